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
  return Object.fromEntries(['killer', 'symptom', 'file', 'function', 'find', 'replace'].map(name => [name, value(name)]));
};

/** Copies what git knows of this checkout, and edits one function of the copy. */
const copyWith = ({ file, function: path, find, replace }) => {
  rmSync(COPY, { recursive: true, force: true });
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const path of list.split('\0').filter(path => path && existsSync(ROOT + path))) {
    mkdirSync(dirname(COPY + path), { recursive: true });
    copyFileSync(ROOT + path, COPY + path);
  }
  const source = readFileSync(COPY + file, 'utf8');
  const begins = source.indexOf(`fn ${path.split('::').at(-1)}(`), at = source.indexOf(find, begins);
  assert.ok(begins >= 0 && at >= 0, `${file} has ${path}, and the text in it`);
  writeFileSync(COPY + file, source.slice(0, at) + replace + source.slice(at + find.length));
};

test("a second vote in a term: the failing test's page opens on the step and at the line", async () => {
  const { killer, symptom, file, ...edit } = bug('BE62');
  copyWith({ file, ...edit });
  rmSync(TRACES, { recursive: true, force: true });
  const ran = spawnSync('cargo', ['test', '--quiet', '-p', 'suites', '--no-default-features', '--features', 'raft', '--test', 'lab_2aa', '--',
    '--only', killer, '--traces', TRACES], {
    cwd: COPY, encoding: 'utf8', env: { ...process.env, CARGO_TARGET_DIR: `${ROOT}target/browser-broken`, NO_COLOR: '1' },
  });
  const said = ran.stdout + ran.stderr;
  assert.notEqual(ran.status, 0, 'the test fails');
  assert.ok(said.includes(symptom) || said.includes(killer), said);
  const path = `${TRACES}${killer}.html`;
  assert.ok(existsSync(path), `${said}\nthere is no ${path}`);

  // What the card points at is the line that the edit has put in: the second vote is recorded there.
  const [, line] = said.match(/your line\s+raft\/src\/election\.rs:(\d+)/) ?? said.match(/election\.rs:(\d+)\s+<-- here/) ?? [];
  assert.ok(line, said);
  const text = readFileSync(COPY + file, 'utf8').split('\n')[line - 1];
  assert.equal(text.trim(), edit.replace.split('\n')[0].trim(), said);

  const watch = await watchedFile(path), { page } = watch;
  const opened = await shown(page);
  assert.equal(opened.where, `${file}:${line}`);
  assert.deepEqual(opened.deciding, [`${line} ${text}`]);
  assert.notEqual(text, readFileSync(ROOT + file, 'utf8').split('\n')[line - 1], 'the page has the text of the copy, not ours');
  // It is the step in which the second candidate asks, as the card says; B leads back to it.
  const [, second] = said.match(/n1 voted for n\d and then for (n\d)/) ?? [];
  assert.equal(opened.headline.slice(0, 2), second, said);
  assert.ok(opened.facts.includes(`votes for ${second}`), opened.facts);
  assert.match(await page.innerText('#outcome'), /^(A rule broke|The test failed): /);
  await page.screenshot({ path: `${OUT}screenshots/broken-by-a-student.png` });
  await press(page, 'Home');
  await press(page, 'b');
  assert.deepEqual(await shown(page), opened);
  assert.ok((await rowsOf(page)).length > 1);
  await quiet(watch);
});
