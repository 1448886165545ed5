// Makes the pages that the tests open: `npm test` runs this first.
//
//   tests/scripts/**.txt --.                             .--> target/browser/pages/NAME.html
//   scripts made here    --+--> cargo step, step html ---+--> target/browser/pages/NAME.jsonl
//   traces changed here  --'                             '--> target/browser/pages/NAME.svg
//
// Every page has its trace beside it: the tests compare the two.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where everything goes that these tests write. */
export const OUT = `${ROOT}target/browser/`;

/** Where a page, a trace or a picture is. */
export const pageOf = name => `${OUT}pages/${name}.html`;
export const traceOf = name => `${OUT}pages/${name}.jsonl`;
export const pictureOf = name => `${OUT}pages/${name}.svg`;

/** Golden scripts that between them show everything: what each brings. */
export const GOLDEN = {
  first_election: 'ticks that wait, one row for many; an election',
  one_vote_per_term: 'a vote that is refused',
  duplicate_votes: 'messages that arrive twice; five lanes',
  fig8_d_overwritten: 'a crash, five lanes, an entry that is overwritten',
  fig8_e_committed: 'the same five lanes, with the other end',
  joint: 'a joint configuration; a lane that begins later',
  a_new_member_gets_a_snapshot: 'a snapshot; a log that was compacted',
  crash_before_persist: 'a slow disk; writes that a crash takes',
  lease_and_transfer: 'a lease, a transfer, a read',
  reads_share_a_round: 'reads',
  a_transfer_and_its_target: 'a transfer that ends; messages that are dropped',
  a_node_that_was_cut_off: 'a partition that heals; pre-votes',
};

/** Text that would do harm if a page took it for markup, for code, or for its own marks. */
export const HOSTILE = '</script><img src=x onerror=alert(1)><!--DATA--><script>alert(2)</script>&lt;b&gt;"\'`'
  + '\u2028\u2029\u0001\u0007\u001b[31m\u202eabc\u202c\u0000';

/** Runs `cargo step` with these arguments. */
export const step = (...args) =>
  spawnSync('cargo', ['step', ...args], { cwd: ROOT, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

const must = (...args) => {
  const ran = step(...args);
  // A script that ends otherwise than it says has status 1, and a page all the same.
  if (ran.status > 1 || ran.error) throw new Error(`cargo step ${args.join(' ')}: ${ran.error ?? ran.stderr}`);
};

const make = name => must('html', traceOf(name), '-o', pageOf(name));

/** Reads the lines of a trace as values. */
export const linesOf = name => readFileSync(traceOf(name), 'utf8').trimEnd().split('\n').map(line => JSON.parse(line));

const write = (name, lines) => writeFileSync(traceOf(name), lines.map(line => JSON.stringify(line) + '\n').join(''));

/** Makes a page, and its trace, of a script that is written here. */
const scripted = (name, text) => {
  const path = `target/browser/pages/${name}.txt`;
  writeFileSync(ROOT + path, text);
  must(path, '--trace', traceOf(name));
  must('html', path, '-o', pageOf(name));
};

/** Makes a page of another page's trace, with something changed in it. */
const changed = (name, from, change) => {
  const lines = linesOf(from);
  write(name, change(lines) ?? lines);
  make(name);
};

/** Puts hostile text behind every text that a reader of traces takes as it is. */
const poison = lines => {
  const [header] = lines;
  for (const field of ['title', 'intro']) header[field] += HOSTILE;
  header.script = HOSTILE;
  for (const rule of Object.values(header.rules)) {
    for (const [field, text] of Object.entries(rule)) if (typeof text === 'string') rule[field] = text + HOSTILE;
  }
  for (const path of Object.keys(header.sources)) header.sources[path] = header.sources[path].replaceAll('//!', `//! ${HOSTILE}`);
  for (const line of lines.slice(1)) {
    if (line.end) continue;
    for (const field of ['headline', 'caption', 'command', 'differs']) line[field] = (line[field] ?? '') + HOSTILE;
    for (const part of [line.facts, line.events, line.sent].flat()) if (part) part.text += HOSTILE;
    for (const state of Object.values(line.set ?? {})) {
      for (const entry of Object.values(state?.log?.entries ?? {})) if (entry) entry[1] += HOSTILE;
      if (state?.members) state.members += HOSTILE;
    }
  }
  Object.assign(lines.at(-1), { outcome: 'failed', text: HOSTILE, step: 3 });
};

/** Adds fields that no reader knows yet, everywhere. */
const fromTheFuture = lines => {
  for (const line of lines) {
    line.mood = { of: ['the', 'day'] };
    for (const part of [line.events, line.facts, line.sent].flat()) if (part) part.mood = 1;
    for (const state of Object.values(line.set ?? line.state ?? {})) if (state) state.mood = 'calm';
  }
};

/** Lets a rule break in a step, as the invariant checker would write it. */
const breakIn = (lines, number) => {
  const step = lines[number];
  const text = 'n2 votes for n3 in term 1, in which it has voted for n1';
  step.violation = { step: number, rule: 'one_vote_per_term', property: 'One vote per term (section 5.2)', who: [2], text };
  step.facts.push({ text: `*** One vote per term (section 5.2): ${text}` });
  Object.assign(lines.at(-1), { outcome: 'broken', violation: step.violation });
};

/** Cuts a trace off behind so many characters of its last lines. */
const cutOff = name => {
  const text = readFileSync(traceOf(name), 'utf8');
  return text.slice(0, text.trimEnd().lastIndexOf('\n') - 20);
};

const makeAll = () => {
  rmSync(`${OUT}pages`, { recursive: true, force: true });
  mkdirSync(`${OUT}pages`, { recursive: true });
  execFileSync('cargo', ['build', '--quiet', '-p', 'step'], { cwd: ROOT, stdio: 'inherit' });
  for (const name of Object.keys(GOLDEN)) {
    must(name, '--trace', traceOf(name));
    must('html', name, '-o', pageOf(name));
    must('svg', name, '-o', pictureOf(name));
  }
  scripted('seven', '# Seven nodes\n#\n# The widest diagram of the course.\n\nadd-nodes 7\n\ntick all 3\n\ncampaign 4\n\n'
    + 'stabilize\n\npartition 1 2 3 | 4 5 6 7\n\npropose 4 x=1\n\nstabilize\n\nheal\n\nping 4\n\nstabilize\n\n'
    + 'propose 4 a-command-with-a-name-that-is-longer-than-a-cell=1\n\nstabilize\n');
  scripted('hostile_script', `# ${HOSTILE}\n#\n# Intro: ${HOSTILE}\n\nadd-nodes 3\n\n# A caption: ${HOSTILE}\ncampaign 1\n\n`
    + `stabilize\n\nnote ${HOSTILE.replace(/[\u0000-\u001f]/g, '')}\n\npropose 1 "${HOSTILE.replace(/["\u0000-\u001f]/g, '')}"\n----\nnot what comes\n\nstabilize\n`);
  changed('hostile_trace', 'first_election', poison);
  changed('unknown_fields', 'first_election', fromTheFuture);
  changed('broken_rule', 'one_vote_per_term', lines => breakIn(lines, 4));
  changed('panicked', 'first_election', lines => Object.assign(lines.at(-1), { outcome: 'crashed', text: 'index out of bounds' }) && lines);
  changed('without_end', 'first_election', lines => lines.slice(0, -1));
  write('newer', linesOf('first_election').map((line, at) => (at ? line : { ...line, version: line.version + 1 })));
  writeFileSync(traceOf('cut_off'), cutOff('first_election'));
  const entries = Array.from({ length: 70 }, (_, i) => `${i + 1}@${i < 35 ? 1 : 2}`).join();
  scripted('many_entries', `# Many entries\n\nadd-nodes 3 log=(${entries}) term=2 commit=40\n\ncampaign 1\n\nstabilize\n\npropose 1 x=1\n\nstabilize\n`);
  const rounds = Array.from({ length: 420 }, (_, i) => `${i % 40 ? 'ping 1' : `propose 1 x=${i}`}\n\nstabilize\n`).join('\n');
  scripted('long', `# A long run\n\nadd-nodes 3\n\ncampaign 1\n\nstabilize\n\n${rounds}`);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) makeAll();
