// What the command makes of traces that it cannot show: it names the file and the line, and writes nothing.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OUT, step, traceOf } from './pages.mjs';

const refused = (name, ...words) => {
  const page = `${OUT}pages/refused_${name}.html`;
  const ran = step('html', traceOf(name), '-o', page);
  assert.equal(ran.status, 2, ran.stdout + ran.stderr);
  for (const word of words) assert.ok(ran.stderr.replace(/\s+/g, ' ').includes(word), `expected to read: ${word}\n${ran.stderr}`);
  assert.ok(!existsSync(page), 'a page was written');
};

test('a trace that was cut off in the middle of a line', () => {
  const lines = readFileSync(traceOf('cut_off'), 'utf8').split('\n').length;
  refused('cut_off', `line ${lines}`, 'ends in the middle', 'cut_off.jsonl');
});

test('a trace of a newer version', () => refused('newer', 'line 1', 'of version 3, from a newer release'));

test('a step that is not there', () => {
  const page = `${OUT}pages/refused_step.html`;
  const ran = step('html', traceOf('first_election'), '--from', '46', '-o', page);
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /there is no step 46: the run has 1 to 45/);
  assert.ok(!existsSync(page), 'a page was written');
});
