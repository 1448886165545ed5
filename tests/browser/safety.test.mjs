// Nothing of a trace becomes markup or code, and a page asks nobody for anything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, rowsOf, watched, watchedFile } from './browser.mjs';
import { HOSTILE, OUT, pictureOf, step, traceOf } from './pages.mjs';

/** Elements that only a trace can have brought. */
const strangers = page => page.evaluate(() => [...document.querySelectorAll('img, iframe, object, embed, link, base, form, b:not(.bad), [onerror], [onload], [src], [href]')]
  .map(element => element.outerHTML).concat([...document.scripts].slice(2).map(script => `script: ${script.textContent.slice(0, 80)}`)));

for (const name of ['hostile_trace', 'hostile_script']) {
  test(`every text of ${name} stays text`, async () => {
    const watch = await watched(name), { page } = watch;
    const rows = await rowsOf(page);
    await press(page, 'Home');
    for (let row = -1; row < rows.length; row++) {
      assert.deepEqual(await strangers(page), []);
      await press(page, 'ArrowRight');
    }
    // The characters are all there: what was not understood was not thrown away either.
    const said = await page.evaluate(() => document.getElementById('title').textContent);
    assert.ok(said.includes('</script><img src=x onerror=alert(1)><!--DATA--><script>alert(2)</script>&lt;b&gt;"\'`'), said);
    assert.ok((await page.title()).includes('<img src=x onerror=alert(1)>'));
    await page.click('summary');
    assert.ok((await page.innerText('#intro-text')).includes('<!--DATA-->'));
    await quiet(watch);
  });
}

test('right-to-left characters turn nothing round but their own text', async () => {
  const watch = await watched('hostile_trace'), { page } = watch;
  // The script's name comes first, and its characters must not move what stands behind it.
  const lefts = await page.evaluate(() => {
    const walker = document.createTreeWalker(document.getElementById('about'), NodeFilter.SHOW_TEXT), places = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let i = 0; i < node.length; i++) {
        const range = new Range();
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        const { left, top, width } = range.getBoundingClientRect();
        if (width) places.push([node.data[i], left, top]);
      }
    }
    return places;
  });
  const words = lefts.map(([letter]) => letter).join(''), at = words.indexOf('45 steps');
  assert.ok(at > 0, words);
  const after = lefts.slice(at, at + 8).map(([, left]) => left);
  const before = lefts.slice(0, at).filter(([, , top]) => top === lefts[at][2]).map(([, left]) => left);
  assert.deepEqual(after, [...after].sort((a, b) => a - b), 'the words "45 steps" run from left to right');
  assert.ok(Math.max(...before) < after[0], 'and stand behind the name of the script');
  await quiet(watch);
});

test('the picture of a hostile trace is a picture', async () => {
  const path = `${OUT}pages/hostile_trace.svg`;
  assert.equal(step('svg', traceOf('hostile_trace'), '-o', path).status, 0);
  const watch = await watchedFile(path), { page } = watch;
  const found = await page.evaluate(() => ({
    root: document.documentElement.localName, wrong: document.querySelectorAll('parsererror, script, img, image, foreignObject, a').length,
    title: document.querySelector('title').textContent,
  }));
  assert.equal(found.root, 'svg');
  assert.equal(found.wrong, 0);
  assert.ok(found.title.includes('<img src=x onerror=alert(1)>'));
  await quiet(watch);
});

test("the page's own policy forbids every request", async () => {
  const { page } = await watched('first_election');
  const blocked = await page.evaluate(async () => {
    const seen = [];
    document.addEventListener('securitypolicyviolation', event => seen.push(event.effectiveDirective));
    const add = (tag, name, value) => Object.assign(document.body.appendChild(document.createElement(tag)), { [name]: value });
    add('img', 'src', 'https://example.org/x.png');
    add('iframe', 'src', 'https://example.org/');
    add('script', 'src', 'https://example.org/x.js');
    add('audio', 'src', 'https://example.org/x.ogg');
    const sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = 'https://example.org/x.css';
    document.head.append(sheet);
    await fetch('https://example.org/').catch(() => 0);
    for (let i = 0; i < 50 && seen.length < 6; i++) await new Promise(done => setTimeout(done, 20));
    return [...new Set(seen)].sort();
  });
  assert.deepEqual(blocked, ['connect-src', 'frame-src', 'img-src', 'media-src', 'script-src-elem', 'style-src-elem']);
  await page.context().close();
});

test('the hostile text has what is hard', () => {
  for (const part of ['</script>', 'onerror', '<!--', '\u2028', '\u202e', '\u0000', '"', "'"]) assert.ok(HOSTILE.includes(part));
});
