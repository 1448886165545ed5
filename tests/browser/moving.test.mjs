// Moving through a run: forward and back, with keys, buttons, slider, clicks and addresses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, rowsOf, shown, watched } from './browser.mjs';
import { GOLDEN } from './pages.mjs';

/** Whether the row that is lit is in sight: wholly within the box, below the names of the lanes. */
const inSight = page => page.evaluate(() => {
  const band = document.querySelector('#rows .band.here')?.getBoundingClientRect();
  const box = document.getElementById('scroll').getBoundingClientRect(), head = document.getElementById('head').getBoundingClientRect();
  return !band || (band.top >= head.bottom - 1 && band.bottom <= box.bottom + 1);
});

for (const name of [...Object.keys(GOLDEN), 'seven', 'broken_rule', 'panicked', 'without_end']) {
  test(`forward over all of ${name} and back shows the same`, async () => {
    const watch = await watched(name), { page } = watch;
    const rows = await rowsOf(page), there = [];
    await press(page, 'Home');
    for (let row = -1; row < rows.length; row++) {
      there.push(await shown(page));
      assert.ok(await inSight(page), `row ${row} is out of sight on the way there`);
      await press(page, 'ArrowRight');
    }
    assert.equal(new Set(there.map(it => it.address)).size, rows.length + 1, 'every row has its address');
    assert.equal((await shown(page)).address, there.at(-1).address, 'the last row is the last');
    for (let row = rows.length - 1; row >= -1; row--) {
      assert.deepEqual(await shown(page), there[row + 1], `row ${row} on the way back`);
      assert.ok(await inSight(page), `row ${row} is out of sight on the way back`);
      await press(page, 'ArrowLeft');
    }
    assert.equal((await shown(page)).address, '#0');
    await quiet(watch);
  });
}

test('forward over 2,000 steps and back shows the same', async () => {
  const watch = await watched('long'), { page } = watch;
  const differs = await page.evaluate(() => {
    const key = name => document.dispatchEvent(new KeyboardEvent('keydown', { key: name, cancelable: true }));
    const said = () => ['place', 'step', 'state', 'source'].map(id => document.getElementById(id).innerHTML).join('\n')
      + [...document.querySelectorAll('#rows .here')].map(it => it.dataset.row ?? it.dataset.message);
    const there = [];
    const last = Number(document.getElementById('slider').max);
    key('Home');
    for (let row = -1; row <= last; row++) { there.push(said()); key('ArrowRight'); }
    const found = [];
    for (let row = last; row >= -1; row--) { if (said() !== there[row + 1]) found.push(row); key('ArrowLeft'); }
    return { found, rows: there.length, kinds: new Set(there).size };
  });
  assert.deepEqual(differs.found, []);
  assert.ok(differs.rows > 1900 && differs.kinds === differs.rows, JSON.stringify(differs));
  await quiet(watch);
});

test('the keyboard alone does all', async () => {
  const watch = await watched('first_election'), { page } = watch;
  const rows = await rowsOf(page);
  const step = async () => (await shown(page)).address;
  const at = row => (row < 0 ? '#0' : `#${rows[row][1]}`);
  await press(page, 'End');
  assert.equal(await step(), at(rows.length - 1));
  await press(page, 'Home');
  assert.equal(await step(), '#0');
  await press(page, 'PageDown');
  assert.equal(await step(), at(9), 'ten rows on');
  await press(page, 'ArrowRight');
  await press(page, 'PageUp');
  assert.equal(await step(), at(0), 'ten rows back');
  await press(page, 'PageUp');
  assert.equal(await step(), '#0', 'not before the beginning');
  // A step with several facts: the one in which the candidate wins.
  const winning = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).steps.find(step => step.facts?.some(fact => / leader$/.test(fact.text))).step);
  while (await step() !== `#${winning}`) await press(page, 'ArrowRight');
  const chosen = async () => (await shown(page)).pressed.indexOf('true');
  const before = await chosen(), where = (await shown(page)).where;
  await press(page, 'ArrowUp');
  assert.equal(await chosen(), before - 1);
  assert.equal(await step(), `#${winning}.${before}`, 'the address counts facts from 1');
  assert.notEqual((await shown(page)).where, where, 'another line of source');
  await press(page, 'ArrowDown');
  assert.equal((await shown(page)).where, where);
  for (let i = 0; i < 20; i++) await press(page, 'ArrowDown');
  assert.equal(await chosen(), (await shown(page)).pressed.length - 1, 'the last fact is the last');
  for (let i = 0; i < 20; i++) await press(page, 'ArrowUp');
  assert.equal(await chosen(), 0, 'the first fact is the first');
  // Help.
  assert.ok(await page.isHidden('#help'));
  await press(page, '?');
  assert.ok(await page.isVisible('#help'));
  assert.equal(await page.getAttribute('#keys', 'aria-expanded'), 'true');
  await press(page, '?');
  assert.ok(await page.isHidden('#help'));
  // Nothing is broken here, and the key does nothing.
  const here = await step();
  await press(page, 'b');
  assert.equal(await step(), here);
  // The browser's own keys stay its own.
  await press(page, 'Alt+ArrowUp');
  assert.equal(await step(), here);
  await quiet(watch);
});

test('Tab reaches every control in order, and Enter on a fact chooses it', async () => {
  const watch = await watched('first_election', { hash: '#45' }), { page } = watch;
  await press(page, 'ArrowLeft');
  const reached = [];
  for (let i = 0; i < 40; i++) {
    await press(page, 'Tab');
    const name = await page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
    if (name === 'BODY' || reached.includes(name) && name !== 'BUTTON') break;
    reached.push(name);
  }
  const controls = reached.filter(name => ['SUMMARY', 'first', 'back', 'next', 'last', 'slider', 'keys', 'contents'].includes(name));
  assert.deepEqual(controls, ['SUMMARY', 'first', 'back', 'next', 'last', 'slider', 'keys', 'contents']);
  await page.goto(page.url().split('#')[0] + '#40');
  const facts = await page.$$('#facts button');
  assert.ok(facts.length > 1, 'a step with several facts');
  await facts[0].focus();
  await press(page, 'Enter');
  assert.deepEqual((await shown(page)).pressed.indexOf('true'), 0);
  assert.ok(await page.evaluate(() => document.activeElement.matches('#facts button[aria-pressed=true]')), 'the focus stays on the fact');
  await press(page, 'Tab');
  assert.ok(await page.evaluate(() => document.activeElement === document.querySelectorAll('#facts button')[1]), 'Tab goes on to the next one');
  await press(page, 'Space');
  assert.deepEqual((await shown(page)).pressed.indexOf('true'), 1);
  await quiet(watch);
});

test('B goes to what broke, and the page opens there', async () => {
  const watch = await watched('broken_rule'), { page } = watch;
  assert.equal((await shown(page)).address, '#4');
  assert.match(await page.innerText('#outcome'), /^A rule broke: n2 votes for n3 in term 1/);
  assert.match(await page.innerText('#facts .broken'), /One vote per term/);
  for (const key of ['b', 'B']) {
    await press(page, 'Home');
    await press(page, key);
    assert.equal((await shown(page)).address, '#4');
  }
  await press(page, 'End');
  await page.click('#broken');
  assert.equal((await shown(page)).address, '#4');
  assert.ok(await page.evaluate(() => document.querySelector('#rows .band.here').classList.contains('broken')), 'its row is marked');
  await quiet(watch);
});

test('how a run ended is said above it', async () => {
  for (const [name, words] of [['panicked', /^The code panicked: index out of bounds/], ['without_end', /^The run was cut short/]]) {
    const watch = await watched(name);
    assert.ok(await watch.page.isVisible('#outcome'), name);
    assert.match(await watch.page.innerText('#outcome'), words);
    await quiet(watch);
  }
  const watch = await watched('first_election');
  assert.ok(await watch.page.isHidden('#outcome'), 'a run in which nothing went wrong');
  assert.ok(await watch.page.isHidden('#broken'));
  await quiet(watch);
});

test('addresses open steps and facts', async () => {
  const rows = [['#40', '#40'], ['#40.2', '#40.2'], ['#0', '#0'], ['#99999', '#45'], ['#nonsense', '#0'], ['', '#0'], ['#40.99', '#40.99'], ['#-3', '#0'], ['#1e9', '#45'],
    ['#40.x', '#40'], ['#40.0', '#40'], ['#2.5.7', '#2.5'], ['#%00', '#0'], ['#4.1.', '#4.1']];
  const watch = await watched('first_election'), { page } = watch;
  const file = page.url().split('#')[0];
  for (const [hash, opens] of rows) {
    // The same address again, but for its end, would open nothing.
    await page.goto('about:blank');
    await page.goto(file + hash);
    const said = await shown(page);
    const step = Number(opens.slice(1).split('.')[0]);
    const place = said.place.match(/^steps? (\d+)(?: to (\d+))? of 45$/);
    if (step === 0) assert.equal(said.place, 'the beginning', hash);
    else assert.ok(place && Number(place[1]) <= step && step <= Number(place[2] ?? place[1]), `${hash}: ${said.place}`);
    if (hash === '#40.2') assert.equal(said.pressed[1], 'true');
    assert.ok(said.pressed.length === 0 || said.pressed.filter(it => it === 'true').length === 1, `${hash}: one fact is chosen`);
  }
  await quiet(watch);
});

test('an address that changes while the page is open is followed', async () => {
  const watch = await watched('first_election'), { page } = watch;
  for (const [hash, place] of [['#40', 'step 40 of 45'], ['#45', 'step 45 of 45'], ['#0', 'the beginning'], ['#99999', 'step 45 of 45']]) {
    await page.evaluate(hash => { location.hash = hash; }, hash);
    await page.waitForFunction(place => document.getElementById('place').textContent === place, place);
  }
  await quiet(watch);
});

test('clicks on rows, buttons and the slider', async () => {
  const watch = await watched('fig8_e_committed'), { page } = watch;
  const rows = await rowsOf(page);
  for (const row of [3, 1, 5]) {
    await page.locator(`#rows .band[data-row="${row}"]`).click({ position: { x: 500, y: 8 } });
    assert.equal((await shown(page)).address, `#${rows[row][1]}`);
  }
  // On a mark, and on the words of a row.
  await page.mouse.click(...await page.evaluate(() => {
    const box = document.querySelector('#rows .row[data-row="2"] .headline').getBoundingClientRect();
    return [box.left + 20, box.top + 5];
  }));
  assert.equal((await shown(page)).address, `#${rows[2][1]}`);
  await page.click('#next');
  assert.equal((await shown(page)).address, `#${rows[3][1]}`);
  await page.click('#back');
  await page.click('#back');
  assert.equal((await shown(page)).address, `#${rows[1][1]}`);
  await page.click('#last');
  assert.equal((await shown(page)).address, `#${rows.at(-1)[1]}`);
  assert.ok(await page.isDisabled('#next') && await page.isDisabled('#last'));
  await page.click('#first');
  assert.equal((await shown(page)).address, '#0');
  assert.ok(await page.isDisabled('#back') && await page.isDisabled('#first'));
  await page.locator('#slider').fill('7');
  assert.equal((await shown(page)).address, `#${rows[7][1]}`);
  const box = await page.locator('#slider').boundingBox();
  await page.mouse.click(box.x + box.width - 2, box.y + box.height / 2);
  assert.equal((await shown(page)).address, `#${rows.at(-1)[1]}`);
  await press(page, 'ArrowLeft');
  assert.equal((await shown(page)).address, `#${rows.at(-2)[1]}`, 'a key goes one step while the slider has the focus');
  await quiet(watch);
});
