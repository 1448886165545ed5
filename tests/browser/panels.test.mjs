// What the panels say is what the trace says, at every row; and the source is the source of this checkout.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { press, quiet, rowsOf, shown, watched } from './browser.mjs';
import { GOLDEN, ROOT } from './pages.mjs';
import { decidingFact, logWords, nodeWords, traced } from './trace.mjs';

/** The tables as words, and which cells are marked as changed. */
const tables = page => page.evaluate(() => ({
  nodes: Object.fromEntries([...document.querySelectorAll('#nodes tr[data-node]')].map(line =>
    [line.dataset.node, [...line.cells].slice(1).map(cell => cell.textContent)])),
  changed: Object.fromEntries([...document.querySelectorAll('#nodes tr[data-node]')].map(line =>
    [line.dataset.node, [...line.cells].slice(1).map(cell => cell.classList.contains('changed'))])),
  more: Object.fromEntries([...document.querySelectorAll('#nodes tr[data-more]')].map(line => [line.dataset.more, line.textContent])),
  logs: Object.fromEntries([...document.querySelectorAll('#logs tr[data-log]')].map(line =>
    [line.dataset.log, [...line.querySelectorAll('.cell')].map(cell => {
      const kind = ['committed', 'durable', 'volatile'].filter(name => cell.classList.contains(name));
      const [place, ...words] = cell.title.split(' ');
      const content = words.join(' ').replace(/, (committed|durable|not durable yet)$/, '');
      return `${place} ${kind} ${content === 'the first entry of its term' ? '' : content}`.trimEnd();
    })])),
  acts: [...document.querySelectorAll('#nodes tr.acts')].map(line => line.dataset.node),
}));

for (const name of [...Object.keys(GOLDEN), 'seven', 'unknown_fields']) {
  test(`the panels of ${name} say what its trace says`, async () => {
    const watch = await watched(name), { page } = watch;
    const { header, steps, states } = traced(name);
    const rows = await rowsOf(page);
    await press(page, 'Home');
    for (let row = -1; row < rows.length; row++) {
      const [from, to] = row < 0 ? [0, 0] : rows[row], step = steps[to - 1];
      const is = await tables(page), said = await shown(page), before = states[Math.max(0, from - 1)];
      for (const id of header.nodes) {
        assert.deepEqual(is.nodes[id], nodeWords(states[to][id]), `n${id} after step ${to}`);
        const was = nodeWords(before[id]);
        assert.deepEqual(is.changed[id], is.nodes[id].map((text, at) => text !== was[at]), `what changed of n${id} in step ${to}`);
        assert.deepEqual(is.logs[id] ?? [], logWords(states[to][id]), `the log of n${id} after step ${to}`);
        const { matched, members, votes } = states[to][id];
        for (const [peer, match] of Object.entries(matched ?? {})) {
          if (Number(peer) !== id) assert.match(is.more[id], new RegExp(`n${peer} \\w+, holds ${match}, next`), `step ${to}`);
        }
        for (const [peer, yes] of Object.entries(votes ?? {})) assert.match(is.more[id], new RegExp(`n${peer} ${yes ? 'yes' : 'no'}`), `step ${to}`);
        if (members && members !== header.nodes.join(' ')) assert.ok(is.more[id].includes(`members: ${members}`), `step ${to}`);
      }
      if (row >= 0) {
        assert.deepEqual(said.band, [String(row)]);
        assert.deepEqual(is.acts, step.node === undefined ? [] : [String(step.node)], `who acts in step ${to}`);
        const within = steps.slice(from - 1, to), ids = list => within.flatMap(step => step[list] ?? []).map(message => String(message.id));
        assert.deepEqual([...new Set(said.messages)].sort(), [...new Set([...ids('sent'), ...ids('gone')])].sort(), `the messages of step ${to}`);
        if (from === to) {
          assert.equal(said.headline, step.headline.replace(/^> /, ''));
          for (const fact of step.facts ?? []) assert.ok(said.facts.includes(fact.text), `step ${to}: ${fact.text}`);
        }
        assert.ok(said.caption.includes(step.caption ?? ''));
        checkSource(header, step, said);
      }
      await press(page, 'ArrowRight');
    }
    await quiet(watch);
  });
}

/** The line shown is the one that the event names, and reads as in this checkout. */
const checkSource = (header, step, said) => {
  const fact = decidingFact(step);
  if (fact === undefined) return assert.deepEqual(said.deciding, [], `step ${step.step} decides nothing`);
  const event = step.events[step.facts[fact].event], [path, line] = event.at.split(':');
  const text = readFileSync(ROOT + path, 'utf8').split('\n')[line - 1];
  assert.equal(said.where, `${path}:${line}`);
  assert.equal(said.deciding.length, 1);
  assert.equal(said.deciding[0].trimEnd(), `${line} ${text}`.trimEnd(), `step ${step.step}`);
  assert.equal(said.pressed.filter(it => it === 'true').length, 1);
  const rule = header.rules[event.rule];
  assert.ok(said.rule.includes(event.text) && said.rule.includes(`§${rule.section}`), said.rule);
  assert.ok(!rule.figure || said.rule.includes(rule.figure), said.rule);
};

test('each fact shows the line that decided it', async () => {
  const watch = await watched('fig8_d_overwritten'), { page } = watch;
  const { steps } = traced('fig8_d_overwritten');
  let seen = 0;
  for (const step of steps) {
    for (const [at, fact] of (step.facts ?? []).entries()) {
      if (fact.event === undefined) continue;
      await page.evaluate(hash => { history.replaceState(null, '', hash); dispatchEvent(new Event('hashchange')); }, `#${step.step}.${at + 1}`);
      const [path, line] = step.events[fact.event].at.split(':');
      assert.equal((await shown(page)).where, `${path}:${line}`);
      assert.equal(await page.evaluate(() => document.querySelector('#code .deciding').dataset.line), line);
      seen += 1;
    }
  }
  assert.ok(seen > 50, `${seen} facts`);
  await quiet(watch);
});

test('fields that no reader knows change nothing', async () => {
  const [plain, future] = [await watched('first_election'), await watched('unknown_fields')];
  await press(plain.page, 'Home');
  await press(future.page, 'Home');
  for (let row = -1; row < (await rowsOf(plain.page)).length; row++) {
    assert.deepEqual(await shown(future.page), await shown(plain.page));
    await press(plain.page, 'ArrowRight');
    await press(future.page, 'ArrowRight');
  }
  await quiet(plain);
  await quiet(future);
});

test('a long run says which steps the page has', async () => {
  const watch = await watched('long'), { page } = watch;
  const { steps } = traced('long');
  assert.ok(steps.length > 2000, `${steps.length} steps`);
  assert.match(await page.innerText('#about'), new RegExp(`${steps.length} steps.*this page has 1 to 2000`));
  await quiet(watch);
});
