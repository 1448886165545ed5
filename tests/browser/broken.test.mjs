// The way of a student whose code is wrong: a test of a lab fails, and its page opens on the step that the
// card names, at the line of their own code that decided, as it reads in their file.
//
//   this checkout --copied--> target/browser/broken --an edit of labs/bugs/2aa.toml--> cargo test --> NAME.html

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { press, quiet, rowsOf, shown, watchedFile } from './browser.mjs';
import { OUT, ROOT } from './pages.mjs';

const COPY = `${OUT}broken/`;
const TRACES = `${OUT}broken-traces/`;

/** Reads one entry of the catalogue of bugs that has one edit. */
const bug = id => {
  const entry = readFileSync(`${ROOT}labs/bugs/2aa.toml`, 'utf8').split('[[bugs]]').find(text => text.includes(`id = "${id}"`));
  const value = name => JSON.parse(entry.match(new RegExp(`^${name} = (".*")$`, 'm'))[1]);
  return Object.fromEntries(['killer', 'file', 'function', 'find', 'replace'].map(name => [name, value(name)]));
};

/** Copies what git knows of this checkout, and edits functions of the copy. */
const copyWith = edits => {
  rmSync(COPY, { recursive: true, force: true });
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const path of list.split('\0').filter(path => path && existsSync(ROOT + path))) {
    mkdirSync(dirname(COPY + path), { recursive: true });
    copyFileSync(ROOT + path, COPY + path);
  }
  for (const { file, function: path, find, replace } of edits) {
    const source = readFileSync(COPY + file, 'utf8');
    const begins = source.indexOf(`fn ${path.split('::').at(-1)}(`), at = source.indexOf(find, begins);
    assert.ok(begins >= 0 && at >= 0, `${file} has ${path}, and the text in it`);
    writeFileSync(COPY + file, source.slice(0, at) + replace + source.slice(at + find.length));
  }
};

test("a refused candidate resets the timer: the failing test's page opens on the step and at the line", async () => {
  const { killer, ...edit } = bug('RE01b'), { file } = edit;
  copyWith([edit]);
  rmSync(TRACES, { recursive: true, force: true });
  const ran = spawnSync('cargo', ['test', '--quiet', '-p', 'suites', '--no-default-features', '--features', 'raft', '--test', 'lab_2aa', '--',
    '--only', killer, '--traces', TRACES], {
    cwd: COPY, encoding: 'utf8', env: { ...process.env, CARGO_TARGET_DIR: `${ROOT}target/browser-broken`, NO_COLOR: '1' },
  });
  const said = ran.stdout + ran.stderr;
  assert.notEqual(ran.status, 0, 'the test fails');
  assert.ok(said.includes(killer), said);
  const html = `${TRACES}${killer}.html`;
  assert.ok(existsSync(html), `${said}\nthere is no ${html}`);

  // What the card points at is the very line that the bug has put in.
  const [, path, line, quoted] = said.match(/your line +(\S+):(\d+) .*\n +(.*)\n/) ?? [];
  const text = readFileSync(COPY + file, 'utf8').split('\n')[line - 1];
  assert.equal(path, file, said);
  assert.equal(quoted, text.trim());
  assert.equal(quoted, edit.replace.split('\n')[0]);

  const watch = await watchedFile(html), { page } = watch;
  const opened = await shown(page);
  assert.equal(opened.where, `${file}:${line}`);
  assert.deepEqual(opened.deciding, [`${line} ${text}`]);
  assert.notEqual(text, readFileSync(ROOT + file, 'utf8').split('\n')[line - 1], 'the page has the text of the copy, not ours');
  // The step is the one with the arrow in the card: a request of term 5 that n1 refuses, for it has voted.
  assert.match(said, /RequestVote t5.*<-- here/);
  assert.match(opened.headline, /->n1 RequestVote t5/);
  assert.match(opened.facts, /n1 restarts its election timer[^]*n1 refuses n2/);
  assert.equal(opened.pressed.indexOf('true'), 0, 'of its facts, the timer is chosen');
  assert.match(await page.innerText('#outcome'), /^(A rule broke|The test failed): /);
  await page.screenshot({ path: `${OUT}screenshots/broken-by-a-student.png` });
  await press(page, 'Home');
  await press(page, 'b');
  assert.deepEqual(await shown(page), opened);
  assert.ok((await rowsOf(page)).length > 1);
  await quiet(watch);
});
