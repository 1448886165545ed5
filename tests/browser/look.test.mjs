// How a page looks: light and dark, 1280 and 800 pixels wide, on paper, and as a picture.
//
// What a test can measure is measured: contrast, overlaps, text that runs out, lines through marks. The
// rest is for eyes: every case leaves its screenshots in target/browser/screenshots/.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { NARROW, WIDE, press, quiet, rowsOf, watched, watchedFile } from './browser.mjs';
import { GOLDEN, OUT, pictureOf } from './pages.mjs';

const SHOTS = `${OUT}screenshots/`;
mkdirSync(SHOTS, { recursive: true });

const NAMES = [...Object.keys(GOLDEN), 'seven', 'broken_rule', 'hostile_trace', 'hostile_script', 'many_entries'];

/** Goes to some rows of a run, the first and the last among them. */
const places = function* (rows, parts = [0.3, 0.6, 1]) {
  for (const row of new Set([-1, ...parts.map(part => Math.round((rows.length - 1) * part))])) yield row;
};
const goTo = (page, row) => page.locator('#slider').fill(String(row));

// Contrast.

/** Texts whose contrast with what is behind them is too low: WCAG 2, 1.4.3 asks for 4.5. */
const faint = page => page.evaluate(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour, alpha = 1) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, (a / 255) * alpha];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((top, i) => top * a + under[i] * (1 - a)).concat(1);
  const light = colour => {
    const [r, g, b] = colour.map(value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const chain = element => { const all = []; for (let it = element; it; it = it.parentElement) all.unshift(it); return all; };
  const opacity = element => chain(element).reduce((all, it) => all * Number(getComputedStyle(it).opacity), 1);
  const ground = rgba(getComputedStyle(document.body).backgroundColor);
  const behind = element => chain(element).reduce((under, it) => over(rgba(getComputedStyle(it).backgroundColor), under), ground);
  const fill = element => { const style = getComputedStyle(element); return rgba(style.fill === 'none' ? 'transparent' : style.fill, Number(style.fillOpacity)); };
  /** A text of the diagram stands on its mark, or on the band of its row, or on the ground. */
  const behindDrawn = text => {
    const row = text.closest('.row')?.dataset.row, band = document.querySelector(`#rows .band[data-row="${row}"]`);
    let under = behind(text.closest('svg'));
    if (band) under = over(fill(band), under);
    const shape = text.parentElement.matches('.mark') ? text.previousElementSibling : null;
    return shape ? over(fill(shape), under) : under;
  };
  const found = new Map();
  const judge = (element, words, colour, under) => {
    const value = ratio(over(colour, under), under);
    const kind = `${element.closest('[id]')?.id ?? ''} ${element.localName}.${element.getAttribute('class') ?? ''}`;
    if (value < 4.5 && !found.has(kind)) found.set(kind, `${kind}: "${words.trim().slice(0, 30)}" has ${value.toFixed(2)}`);
  };
  let judged = 0;
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data).join('');
    const drawn = element instanceof SVGElement;
    if (!words.trim() || element.matches('script, title') || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element), seen = opacity(element);
    if (drawn) judge(element, words, fill(element).map((part, i) => (i === 3 ? part * seen : part)), behindDrawn(element));
    else judge(element, words, rgba(style.color, seen), behind(element));
    const before = getComputedStyle(element, '::before');
    if (before.content.startsWith('"') && !drawn) judge(element, `::before ${words}`, rgba(before.color, seen), behind(element));
    judged += 1;
  }
  return { judged, low: [...found.values()] };
});

for (const name of NAMES) {
  test(`every text of ${name} can be read, in light and in dark`, async () => {
    const grounds = [];
    for (const colorScheme of ['light', 'dark']) {
      const watch = await watched(name, { colorScheme }), { page } = watch;
      const rows = await rowsOf(page);
      await press(page, '?');
      for (const row of places(rows, [0.4, 1])) {
        await goTo(page, row);
        const { judged, low } = await faint(page);
        assert.ok(judged > 50, `${judged} texts`);
        assert.deepEqual(low, [], `${colorScheme}, row ${row}`);
      }
      grounds.push(await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]));
      await quiet(watch);
    }
    assert.notDeepEqual(grounds[0], grounds[1], 'light and dark differ');
  });
}

// Room.

/** What has too little room: panels that overlap, boxes that are wider than the window, words cut off. */
const crowded = page => page.evaluate(() => {
  const found = [], box = element => element.getBoundingClientRect();
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    found.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${document.documentElement.clientWidth}`);
  }
  const panels = ['time', 'step', 'state', 'source'].map(id => document.getElementById(id)).filter(panel => box(panel).height > 0);
  const apart = (one, two) => one.right <= two.left + 0.5 || two.right <= one.left + 0.5 || one.bottom <= two.top + 0.5 || two.bottom <= one.top + 0.5;
  panels.forEach((one, i) => panels.slice(i + 1).forEach(two => { if (!apart(box(one), box(two))) found.push(`${one.id} overlaps ${two.id}`); }));
  const scrolls = element => element.closest('#scroll, #logs-scroll, #code, #differs');
  for (const panel of [...panels, document.querySelector('header')]) {
    const edge = box(panel);
    for (const element of panel.querySelectorAll('*')) {
      const it = box(element);
      if (element.closest('svg') || !it.width || scrolls(element) && scrolls(element) !== element) continue;
      if (it.right > edge.right + 1 || it.left < edge.left - 1) found.push(`${element.localName}#${element.id}.${element.className} runs out of ${panel.id || 'the header'}: ${element.textContent.slice(0, 40)}`);
    }
  }
  const buttons = [...document.querySelectorAll('nav > *')].filter(it => box(it).width);
  buttons.forEach((one, i) => buttons.slice(i + 1).forEach(two => { if (!apart(box(one), box(two))) found.push(`${one.id} overlaps ${two.id}`); }));
  return found;
});

/** What runs out of the diagram, or lies on something else in it. */
const misdrawn = page => page.evaluate(() => {
  const found = [];
  const svg = document.querySelector('svg#rows') ?? document.querySelector('svg'), width = Number(svg.getAttribute('width'));
  const scroll = document.getElementById('scroll');
  if (scroll && scroll.scrollWidth > scroll.clientWidth) found.push(`the diagram is ${scroll.scrollWidth} wide, and ${scroll.clientWidth} are in sight`);
  const marks = [...svg.querySelectorAll('.mark > :first-child, .row > path.down')].map(shape => {
    const box = shape.getBBox();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2, box, row: shape.closest('.row').dataset.row };
  });
  const lanes = [...new Set([...svg.querySelectorAll('.lane')].map(lane => lane.getBBox().x))];
  const texts = [...svg.querySelectorAll('.headline, .outcome, .number, .again')].map(text => ({ text, box: text.getBBox() }));
  for (const { text, box } of texts) {
    if (box.x < 0 || box.x + box.width > width) found.push(`"${text.textContent}" ends at ${Math.round(box.x + box.width)} of ${width}`);
    const hit = marks.find(mark => mark.box.x < box.x + box.width && box.x < mark.box.x + mark.box.width && mark.box.y < box.y + box.height - 3 && box.y + 3 < mark.box.y + mark.box.height);
    if (hit) found.push(`"${text.textContent}" lies on the mark of row ${hit.row}`);
    if (!text.matches('.number, .again') && lanes.some(lane => lane > box.x)) found.push(`"${text.textContent}" lies on a lane`);
  }
  // A message passes beside the marks of nodes that it does not concern, and never through one.
  for (const message of svg.querySelectorAll('.message')) {
    const line = message.querySelector('path'), length = line.getTotalLength(), ends = [line.getPointAtLength(0), line.getPointAtLength(length)];
    const strange = marks.filter(mark => ends.every(end => Math.abs(end.x - mark.x) > 14) && (mark.x - ends[0].x) * (mark.x - ends[1].x) < 0);
    for (const mark of strange.filter(mark => mark.y > ends[0].y - 30 && mark.y < ends[1].y + 30)) {
      for (let at = 0; at <= length; at += 2) {
        const { x, y } = line.getPointAtLength(at);
        if (Math.hypot(x - mark.x, y - mark.y) < 9) { found.push(`message ${message.dataset.message} goes through the mark of row ${mark.row}`); break; }
      }
    }
  }
  // No two lines lie on each other.
  const seen = new Map();
  for (const line of svg.querySelectorAll('.message > path:first-of-type')) {
    const way = line.getAttribute('d'), id = line.parentElement.dataset.message;
    if (seen.has(way)) found.push(`messages ${seen.get(way)} and ${id} are one line`);
    seen.set(way, id);
  }
  return found;
});

for (const name of NAMES) {
  test(`${name} has room at 1280 and at 800 pixels`, async () => {
    for (const [width, viewport] of [[1280, WIDE], [800, NARROW]]) {
      const watch = await watched(name, { viewport }), { page } = watch;
      const rows = await rowsOf(page);
      assert.deepEqual(await misdrawn(page), [], `${width} wide`);
      for (const row of places(rows)) {
        await goTo(page, row);
        // Colours move nothing: what has room in light has room in the dark.
        assert.deepEqual(await crowded(page), [], `${width} wide, row ${row}`);
        const place = (await page.innerText('#place')).match(/\d+/)?.[0];
        for (const colorScheme of place ? ['light', 'dark'] : []) {
          await page.emulateMedia({ colorScheme });
          await page.screenshot({ path: `${SHOTS}${name}-${width}-${colorScheme}-${place}.png` });
        }
      }
      await quiet(watch);
    }
  });
}

test('the newest entries of long logs are in sight', async () => {
  const watch = await watched('many_entries'), { page } = watch;
  await press(page, 'End');
  const [cell, box] = await page.evaluate(() => [document.querySelector('#logs [data-log="1"] td:last-child'), document.getElementById('logs-scroll')]
    .map(element => element.getBoundingClientRect().right));
  assert.ok(cell <= box + 1, `the last entry ends at ${cell}, the box at ${box}`);
  await quiet(watch);
});

test('the line that decided is in sight at 1280 by 800', async () => {
  const watch = await watched('first_election'), { page } = watch;
  const rows = await rowsOf(page);
  for (let row = 0; row < rows.length; row++) {
    await goTo(page, row);
    const place = await page.evaluate(() => {
      const line = document.querySelector('#code .deciding')?.getBoundingClientRect(), code = document.getElementById('code').getBoundingClientRect();
      return line && { top: line.top - code.top, bottom: Math.min(code.bottom, innerHeight) - line.bottom };
    });
    if (place) assert.ok(place.top >= 0 && place.bottom >= 0, `row ${row}: ${JSON.stringify(place)}`);
  }
  await quiet(watch);
});

test('what an entry holds is shown by the keyboard, too', async () => {
  const watch = await watched('fig8_d_overwritten', { hash: '#1' }), { page } = watch;
  await press(page, 'End');
  const cell = page.locator('#logs [data-log="2"] .cell').last();
  const title = await cell.getAttribute('title');
  assert.match(title, /^3@5 /);
  await quiet(watch);
  const long = await watched('seven');
  await press(long.page, 'End');
  const small = long.page.locator('#logs [data-log="4"] .cell small').last();
  assert.ok(await small.isHidden());
  await press(long.page, 'c');
  assert.ok(await small.isVisible());
  assert.equal(await small.innerText(), 'a-command-with-a-name-..');
  assert.deepEqual(await crowded(long.page), []);
  await press(long.page, 'ArrowLeft');
  assert.ok(await long.page.locator('#logs .cell small:not(:empty)').first().isVisible(), 'and stays so');
  await long.page.screenshot({ path: `${SHOTS}seven-1280-light-contents.png` });
  await long.page.click('#contents');
  assert.ok(await long.page.locator('#logs .cell small:not(:empty)').first().isHidden());
  await quiet(long);
});

test('of a long run the texts in sight are there, wherever one goes', async () => {
  const watch = await watched('long'), { page } = watch;
  const missing = () => page.evaluate(() => {
    const scroll = document.getElementById('scroll').getBoundingClientRect();
    const rows = [...document.querySelectorAll('#rows .band')].filter(band => {
      const box = band.getBoundingClientRect();
      return box.bottom > scroll.top && box.top < scroll.bottom;
    });
    const text = band => document.querySelector(`#rows .row[data-row="${band.dataset.row}"] .headline`);
    return { rows: rows.length, missing: rows.filter(band => text(band).getBoundingClientRect().width === 0).length };
  });
  const whole = async where => {
    await page.waitForTimeout(100);
    const found = await missing();
    assert.ok(found.rows > 5, `${where}: ${found.rows} rows are in sight`);
    assert.equal(found.missing, 0, `${where}: of ${found.rows} rows in sight so many have no text`);
  };
  await whole('at the beginning');
  await press(page, 'End');
  await whole('at the end');
  await page.evaluate(() => { document.getElementById('scroll').scrollTop = 20_000; });
  await whole('after scrolling');
  await page.setViewportSize({ width: 800, height: 2400 });
  await whole('in a tall window');
  await quiet(watch);
});

test('the legend has every sign', async () => {
  const watch = await watched('first_election');
  const legend = await watch.page.locator('#time .legend').innerText();
  for (const word of ['follower', 'pre-candidate', 'candidate', 'leader', 'term', 'leads', 'down', 'lost', 'in flight', 'twice']) assert.ok(legend.includes(word), `${word}: ${legend}`);
  await quiet(watch);
});

// Paper and pictures.

test('a printed page has the whole diagram', async () => {
  const watch = await watched('fig8_d_overwritten', { hash: '#20' }), { page } = watch;
  await page.emulateMedia({ media: 'print' });
  const seen = await page.evaluate(() => {
    const scroll = document.getElementById('scroll'), box = scroll.getBoundingClientRect(), rows = document.getElementById('rows').getBoundingClientRect();
    return { whole: rows.bottom <= box.bottom + 1 && rows.right <= box.right + 1 && scroll.scrollHeight <= scroll.clientHeight + 1,
      nav: getComputedStyle(document.querySelector('nav')).display, sticky: getComputedStyle(document.querySelector('header')).position };
  });
  assert.deepEqual(seen, { whole: true, nav: 'none', sticky: 'static' });
  await page.pdf({ path: `${SHOTS}fig8_d_overwritten.pdf` });
  await quiet(watch);
});

for (const name of Object.keys(GOLDEN)) {
  test(`the picture of ${name} is well-formed, and nothing runs out of it`, async () => {
    for (const colorScheme of ['light', 'dark']) {
      const watch = await watchedFile(pictureOf(name), { colorScheme }), { page } = watch;
      const drawn = await page.evaluate(async () => {
        const text = new XMLSerializer().serializeToString(document);
        const read = new DOMParser().parseFromString(text, 'image/svg+xml');
        return { root: read.documentElement.localName, wrong: read.querySelectorAll('parsererror').length + document.querySelectorAll('parsererror').length,
          rows: document.querySelectorAll('.row').length, texts: [...document.querySelectorAll('text')].filter(text => text.getBBox().width > 0).length };
      });
      assert.deepEqual([drawn.root, drawn.wrong], ['svg', 0]);
      assert.ok(drawn.rows > 3 && drawn.texts > drawn.rows, JSON.stringify(drawn));
      assert.deepEqual(await misdrawn(page), []);
      await page.locator('svg').screenshot({ path: `${SHOTS}${name}-svg-${colorScheme}.png` });
      await quiet(watch);
    }
  });
}

test('the first paint of 2,000 steps: a figure, not a verdict', async t => {
  const watch = await watched('long'), { page } = watch;
  const times = await page.evaluate(async () => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    return { paint, ready: performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd };
  });
  t.diagnostic(`first paint of 2,000 steps: ${Math.round(times.paint)} ms (goal 500 ms); it answers keys after ${Math.round(times.ready)} ms`);
  assert.ok(times.paint > 0);
  await quiet(watch);
});
