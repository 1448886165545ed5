// Opens pages in a real browser, and watches what they do.
//
//   watched(name, options) --> { page, seen }      seen: requests, errors, dialogs
//
// A page that asks for anything but itself, reports an error, or opens a dialog fails its test: every test
// ends with `quiet(seen)`.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { pageOf } from './pages.mjs';

const places = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'];
const program = process.env.CHROMIUM || places.find(existsSync);
assert.ok(program, 'there is no Chromium: set CHROMIUM to the path of one');

// In a container the tests run as root, and there Chromium refuses its sandbox.
const browser = await chromium.launch({ executablePath: program, ignoreDefaultArgs: ['--hide-scrollbars'], args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
after(() => browser.close());

export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 800, height: 1200 };

/** Opens a file in a new window without network. */
export const watchedFile = async (path, { viewport = WIDE, colorScheme = 'light', hash = '', init } = {}) => {
  const context = await browser.newContext({ viewport, colorScheme, offline: true });
  const page = await context.newPage();
  const seen = { requests: [], errors: [], dialogs: [] };
  page.on('request', request => seen.requests.push(request.url()));
  page.on('pageerror', error => seen.errors.push(String(error.stack ?? error)));
  page.on('console', message => ['error', 'warning'].includes(message.type()) && seen.errors.push(message.text()));
  page.on('dialog', dialog => (seen.dialogs.push(dialog.message()), dialog.dismiss()));
  if (init) await page.addInitScript(init);
  await page.goto(pathToFileURL(path).href + hash);
  return { page, seen };
};

/** Opens the page of a run. */
export const watched = (name, options) => watchedFile(pageOf(name), options);

/** Closes a page that has asked for nothing, reported nothing, and opened nothing. */
export const quiet = async ({ page, seen }) => {
  await page.context().close();
  assert.deepEqual(seen.errors, [], 'errors of the page');
  assert.deepEqual(seen.dialogs, [], 'dialogs of the page');
  assert.ok(seen.requests.length > 0 && seen.requests.every(url => url.startsWith('file:') && url.split('#')[0] === seen.requests[0].split('#')[0]),
    `requests: ${seen.requests}`);
};

/** Presses a key. */
export const press = (page, key) => page.keyboard.press(key);

/** Everything that the panels say, and what the diagram lights up. */
export const shown = page => page.evaluate(() => {
  const at = id => document.getElementById(id);
  const text = id => at(id).innerText;
  const all = (selector, name) => [...document.querySelectorAll(selector)].map(element => element.dataset[name]);
  return {
    address: location.hash, place: text('place'), slider: at('slider').value,
    command: text('command'), caption: text('caption'), headline: text('headline'), facts: text('facts'), differs: text('differs'),
    pressed: [...document.querySelectorAll('#facts button')].map(button => button.getAttribute('aria-pressed')),
    nodes: at('nodes').innerHTML, logs: at('logs').innerHTML,
    where: text('where'), rule: text('rule'), code: text('code'),
    deciding: [...document.querySelectorAll('#code .deciding')].map(line => `${line.dataset.line} ${line.innerText}`),
    band: all('#rows .band.here', 'row'), messages: all('#rows .message.here', 'message'),
    buttons: ['first', 'back', 'next', 'last', 'broken'].map(id => `${id} ${at(id).hidden ? 'hidden' : at(id).disabled ? 'off' : 'on'}`),
  };
});

/** What the page holds of its rows: first and last step of each. */
export const rowsOf = page => page.evaluate(() => JSON.parse(document.getElementById('data').textContent).rows);
