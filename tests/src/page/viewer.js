// @ts-check
// Shows one step of a recorded run. The diagram is drawn already; this file fills the panels beside it.
//
//   data --> steps, states after each step --> show(row): nodes, logs, facts, source
//            rows of the diagram            <-- keys, buttons, slider, clicks, the address
//
// Everything from the trace becomes text by `textContent`. Later drivers (a live session, a prediction, two
// traces side by side) replace `data` and call `show`.
'use strict';
{
  const data = JSON.parse(document.getElementById('data').textContent);
  const { header, steps, footer, rows } = data;
  const at = id => document.getElementById(id);
  const first = steps.length ? steps[0].step : 1;

  /** Makes an element with a text in it. */
  const made = (tag, text = '', className = '') => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // States: one for the beginning of the window, one after each step. A merge patch (RFC 7396) makes new
  // objects only where something changes, so all states together cost little more than the patches.
  const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);
  const merged = (target, patch) => {
    if (!isObject(patch)) return patch;
    const result = Object.assign(Object.create(null), isObject(target) ? target : {});
    for (const [name, change] of Object.entries(patch)) {
      if (change === null) delete result[name];
      else result[name] = merged(result[name], change);
    }
    return result;
  };
  const states = [header.state];
  for (const step of steps) states.push(merged(states[states.length - 1], step.set ?? {}));
  const stateAfter = step => states[Math.max(0, step - first + 1)];

  // Where we are: a row, from 0, or -1 before the first one; and a fact of its last step, from 0.
  let row = -1, fact = 0;
  const stepAt = row => row < 0 ? null : steps[rows[row][1] - first];
  const rowOf = step => rows.findIndex(([from, to]) => from <= step && step <= to);

  const bands = [...document.querySelectorAll('#rows .band')];
  const messages = new Map(rows.map((_, row) => [row, []]));
  for (const line of document.querySelectorAll('#rows .message')) {
    for (const row of line.dataset.rows.split(' ')) messages.get(Number(row))?.push(line);
  }

  /** Goes to a row; of its facts, to the one that decided. */
  const go = (to, which = null) => {
    to = Math.max(-1, Math.min(rows.length - 1, to));
    bands[row]?.classList.remove('here');
    messages.get(row)?.forEach(line => line.classList.remove('here'));
    row = to;
    bands[row]?.classList.add('here');
    messages.get(row)?.forEach(line => line.classList.add('here'));
    const step = stepAt(row);
    fact = which ?? deciding(step);
    show(step);
    const address = step ? `#${step.step}` + (which === null ? '' : `.${which + 1}`) : '#0';
    history.replaceState(null, '', address);
    keepInSight();
    showParts();
  };

  /** The fact that a step is about: the last one with a rule behind it that is no message, and no timer if
   *  there is another. */
  const deciding = step => {
    const facts = step?.facts ?? [], pointed = pointedAt(step);
    if (pointed) return facts.findIndex(it => step.events[it.event] === pointed);
    const decides = it => it.event !== undefined;
    const lastBut = (...kinds) => facts.findLastIndex(it => decides(it) && !kinds.includes(step.events[it.event].type));
    const last = [lastBut('sent', 'timer_reset'), lastBut('sent')].find(at => at >= 0);
    return last ?? facts.findIndex(decides);
  };

  /** The event at the line that a failed test points at, in the step that it points at. */
  const pointedAt = step => footer?.at && step?.step === data.broken
    ? step.events?.findLast(event => lineOf(event.at) === footer.at) : undefined;

  const keepInSight = () => {
    const scroll = at('scroll'), band = bands[row], head = at('head').offsetHeight;
    if (!band) return void (scroll.scrollTop = 0);
    const top = Number(band.getAttribute('y')), height = Number(band.getAttribute('height'));
    const seen = scroll.clientHeight - head;
    if (top < scroll.scrollTop + 40) scroll.scrollTop = top - 40;
    else if (top + height > scroll.scrollTop + seen - 40) scroll.scrollTop = top + height - seen + 40;
  };

  // Only the parts of the diagram in sight, and a little more, have their texts laid out.
  const parts = [...document.querySelectorAll('#rows .part')];
  const showParts = () => {
    const { scrollTop: top, clientHeight: height } = at('scroll');
    for (const part of parts) {
      const isNear = Number(part.dataset.top) < top + 2 * height && Number(part.dataset.end) > top - height;
      part.classList.toggle('off', !isNear);
    }
  };
  at('scroll').addEventListener('scroll', showParts, { passive: true });
  addEventListener('resize', showParts);

  const show = step => {
    const [from, to] = row < 0 ? [0, first - 1] : rows[row];
    const place = from === to ? `step ${to}` : `steps ${from} to ${to}`;
    at('place').textContent = row < 0 ? 'the beginning' : `${place} of ${data.all_steps}`;
    at('slider').value = String(row);
    at('first').disabled = at('back').disabled = row < 0;
    at('last').disabled = at('next').disabled = row === rows.length - 1;
    const before = row < 0 ? states[0] : stateAfter(from - 1);
    const after = row < 0 ? states[0] : stateAfter(to);
    showStep(step, from, to);
    showNodes(before, after, step?.node);
    showLogs(before, after);
    showSource(step);
  };

  // The step.

  const showStep = (step, from, to) => {
    const held = at('facts').contains(document.activeElement);
    const shown = from === to ? [step] : steps.slice(from - first, to - first + 1);
    const said = name => shown.map(it => it?.[name]).filter(Boolean).join('\n');
    const line = step?.script_line, command = said('command');
    at('command').textContent = command && line ? `line ${line}:  ${command}` : command;
    at('caption').textContent = said('caption');
    at('differs').textContent = said('differs');
    at('headline').textContent = row < 0 ? 'Nothing has happened yet.'
      : from < to ? `${to - from + 1} ticks pass, and nothing comes of them.`
      : step.headline.replace(/^> /, '');
    at('facts').replaceChildren(...(step?.facts ?? []).map((it, number) => {
      const item = made('li'), event = it.event === undefined ? null : step.events[it.event];
      const broken = it.text.startsWith('***') ? ' broken' : '';
      if (!event) {
        item.append(made('span', it.text, 'plain' + broken));
        return item;
      }
      const button = made('button', it.text, broken.trim());
      button.append(made('small', `${lineOf(event.at)}  ${ruleOf(event.rule)}`));
      button.setAttribute('aria-pressed', String(number === fact));
      button.addEventListener('click', () => go(row, number));
      item.append(button);
      return item;
    }));
    if (row >= 0 && !step.facts?.length && from === to) at('facts').append(made('li', 'Nothing came of it.', 'plain'));
    // The buttons are new ones: the keyboard stays where it was.
    if (held) at('facts').querySelector('[aria-pressed=true]')?.focus();
  };

  const lineOf = place => place.split(':').slice(0, 2).join(':');
  const ruleOf = name => {
    const rule = header.rules[name];
    return rule ? `\u00a7${rule.section}${rule.figure ? ', ' + rule.figure : ''}` : '';
  };

  // Nodes.

  const name = id => id === undefined ? '-' : `n${id}`;
  const columns = [
    ['role', it => it.role ?? 'down'],
    ['term', it => it.term ?? it.disk?.durable?.term ?? '-'],
    ['vote', it => name(it.term === undefined ? it.disk?.durable?.vote : it.vote)],
    ['leader', it => name(it.leader)],
    ['commit', it => it.commit ?? '-'],
    ['applied', it => it.applied ?? 0],
    ['timer', it => it.timer ? it.timer[0] + (it.timer[1] === null ? '' : `/${it.timer[1]}`) : '-'],
  ];
  const more = [
    ['votes', it => it.votes && Object.entries(it.votes).map(([id, yes]) => `n${id} ${yes ? 'yes' : 'no'}`)],
    ['peers', (it, self) => it.progress && Object.entries(it.progress).filter(([id]) => Number(id) !== self).map(([id, peer]) =>
      `n${id} ${peer.state}, holds ${it.matched?.[id] ?? 0}, next ${peer.next}` +
      (peer.in_flight ? `, ${peer.in_flight} in flight` : ''))],
    ['on disk', it => it.term !== undefined && it.disk &&
      (it.disk.durable.term !== it.term || it.disk.durable.vote !== it.vote || it.disk.waiting) &&
      [`term ${it.disk.durable.term}, ${it.disk.durable.vote ? `vote n${it.disk.durable.vote}` : 'no vote'}` +
        (it.disk.waiting ? `, ${it.disk.waiting} write${it.disk.waiting > 1 ? 's' : ''} pending` : '')]],
    ['members', it => it.members && it.members !== header.nodes.join(' ') && [it.members]],
  ];

  const showNodes = (before, after, acts) => {
    const head = made('tr');
    head.append(made('th'), ...columns.map(([title]) => made('th', title)));
    const lines = [head];
    for (const id of header.nodes) {
      const was = before[id] ?? {}, is = after[id] ?? {}, line = made('tr', '', id === acts ? 'acts' : '');
      line.dataset.node = id;
      line.append(made('td', `n${id}`), ...columns.map(([title, value]) => {
        const text = String(value(is)), changed = text !== String(value(was));
        return made('td', text, (changed ? 'changed ' : '') + (title === 'role' ? text : ''));
      }));
      lines.push(line);
      const words = it => more.map(([title, value]) => {
        const texts = value(it, id) || [];
        return texts.length ? [title, ...texts] : null;
      });
      const wasWords = words(was), isWords = words(is);
      if (isWords.some(Boolean)) {
        const rest = made('tr', '', 'more'), cell = made('td');
        rest.dataset.more = id;
        cell.colSpan = columns.length;
        isWords.forEach((texts, i) => {
          if (!texts) return;
          const [title, ...parts] = texts, part = made('div', `${title}: `, String(texts) === String(wasWords[i]) ? '' : 'changed');
          part.append(...parts.map(text => made('span', text)));
          cell.append(part);
        });
        rest.append(made('td'), cell);
        lines.push(rest);
      }
    }
    at('nodes').replaceChildren(...lines);
  };

  // Logs.

  const showLogs = (before, after) => {
    const known = header.nodes.flatMap(id => Object.keys(after[id]?.log?.entries ?? {}).map(Number));
    const low = Math.min(...known), high = Math.max(...known);
    const indexes = known.length ? Array.from({ length: high - low + 1 }, (_, i) => low + i) : [];
    const head = made('tr');
    const snapshots = header.nodes.some(id => after[id]?.log?.snapshot);
    head.append(made('th', 'log'), ...(snapshots ? [made('th', 'snapshot')] : []), ...indexes.map(i => made('th', String(i))));
    const lines = header.nodes.map(id => {
      const is = after[id] ?? {}, was = before[id] ?? {}, line = made('tr');
      line.dataset.log = id;
      const commit = is.commit ?? 0;
      line.append(made('td', `n${id}`));
      if (snapshots) {
        const until = is.log?.snapshot;
        line.append(made('td', until ? `to ${until}` : '', 'snap' + (until !== was.log?.snapshot ? ' changed' : '')));
      }
      line.append(...indexes.map(index => {
        const place = made('td'), entry = is.log?.entries?.[index];
        if (!entry) return place;
        const kind = index <= commit ? 'committed' : index <= is.log.durable ? 'durable' : 'volatile';
        const old = was.log?.entries?.[index];
        const changed = !old || old[0] !== entry[0] || (index <= (was.commit ?? 0)) !== (index <= commit) && is.up && was.up;
        const cell = made('i', String(entry[0]), `cell ${kind} t${entry[0] ? (entry[0] - 1) % 6 + 1 : 0}${changed ? ' changed' : ''}`);
        cell.append(made('small', entry[1]));
        cell.title = `${index}@${entry[0]} ${entry[1] || 'the first entry of its term'}, ${kind === 'volatile' ? 'not durable yet' : kind}`;
        place.append(cell);
        return place;
      }));
      return line;
    });
    at('logs').replaceChildren(...(indexes.length || snapshots ? [head, ...lines] : []));
    at('logs-scroll').scrollLeft = at('logs').scrollWidth; // the newest entries are in sight
  };

  // Source.

  const showSource = step => {
    const event = step?.events?.[step.facts?.[fact]?.event ?? -1] ?? pointedAt(step);
    const code = at('code');
    if (!event) {
      at('where').textContent = row < 0 ? '' : 'No rule decided anything here.';
      at('rule').textContent = row < 0 ? 'One step on (right arrow): the line of source that decides is shown here.' : '';
      return code.replaceChildren();
    }
    const [path, line] = [event.at.split(':')[0], Number(event.at.split(':')[1])];
    const lines = (header.sources[path] ?? '').split('\n');
    const from = Math.max(1, line - 14), to = Math.min(lines.length, line + 8);
    at('where').textContent = `${path}:${line}`;
    const rule = header.rules[event.rule];
    at('rule').textContent = `${event.text}.  ${ruleOf(event.rule)}${rule ? `  \u00b7  book: ${rule.chapter}` : ''}`;
    code.replaceChildren(...lines.slice(from - 1, to).map((text, i) => {
      const number = from + i, shown = made('span', text || ' ');
      shown.dataset.line = String(number);
      if (number === line) shown.className = 'deciding';
      else if (/^\s*\/\//.test(text)) shown.className = 'comment';
      return shown;
    }));
    code.scrollLeft = 0;
    const chosen = code.querySelector('.deciding');
    if (chosen) code.scrollTop = chosen.offsetTop - code.offsetTop - (code.clientHeight - chosen.offsetHeight) / 2;
  };

  // The head of the page.

  const about = [
    header.script,
    header.seed === undefined ? null : `seed ${header.seed}`,
    `${data.all_steps} step${data.all_steps === 1 ? '' : 's'}`,
    steps.length < data.all_steps && steps.length
      ? `this page has ${first} to ${steps[steps.length - 1].step}: cargo step html takes the trace, and --from another step` : null,
  ];
  at('title').textContent = header.title || 'A run';
  // Each part stands apart from its neighbours, whatever direction its characters run in.
  about.filter(Boolean).forEach((text, i) => at('about').append(i ? ' \u00b7 ' : '', made('bdi', text)));
  at('intro-text').textContent = header.intro;
  at('intro').hidden = !header.intro;
  const bad = { broken: 'A rule broke', failed: 'The test failed', crashed: 'The code panicked' }[footer?.outcome];
  const words = [footer?.text ?? footer?.violation?.text, footer?.unanswered?.headline].filter(Boolean);
  at('outcome').hidden = !bad && footer !== null;
  at('outcome').textContent = bad ? [bad, ...words].join(': ') : 'The run was cut short: the trace has no last line.';
  at('broken').hidden = data.broken === null;

  // Moving.

  const step = by => go(row + by);
  const toFocus = () => data.broken !== null && go(rowOf(data.broken));
  const toFact = by => {
    const facts = stepAt(row)?.facts ?? [];
    for (let i = fact + by; i >= 0 && i < facts.length; i += by) if (facts[i].event !== undefined) return go(row, i);
  };
  const help = () => {
    at('help').hidden = !at('help').hidden;
    at('keys').setAttribute('aria-expanded', String(!at('help').hidden));
  };
  const contents = () => at('contents').setAttribute('aria-pressed', String(at('logs').classList.toggle('contents')));
  at('contents').addEventListener('click', contents);
  at('first').addEventListener('click', () => go(-1));
  at('back').addEventListener('click', () => step(-1));
  at('next').addEventListener('click', () => step(1));
  at('last').addEventListener('click', () => go(rows.length - 1));
  at('broken').addEventListener('click', toFocus);
  at('keys').addEventListener('click', help);
  at('slider').min = '-1';
  at('slider').max = String(rows.length - 1);
  at('slider').addEventListener('input', () => go(Number(at('slider').value)));
  at('rows').addEventListener('click', event => {
    const band = event.target.closest('[data-row]');
    if (band) go(Number(band.dataset.row));
  });
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => toFact(1), ArrowUp: () => toFact(-1),
    PageDown: () => step(10), PageUp: () => step(-10), Home: () => go(-1), End: () => go(rows.length - 1),
    b: toFocus, B: toFocus, c: contents, C: contents, '?': help,
  };
  document.addEventListener('keydown', event => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  const fromAddress = () => {
    const [step, which] = location.hash.slice(1).split('.').map(Number);
    if (!location.hash || Number.isNaN(step)) return data.opens_on === null ? go(-1) : go(rowOf(data.opens_on));
    const to = step < first ? -1 : rowOf(step) < 0 ? rows.length - 1 : rowOf(step);
    const decides = stepAt(to)?.facts?.[which - 1]?.event !== undefined;
    go(to, decides ? which - 1 : null);
  };
  addEventListener('hashchange', fromAddress);
  fromAddress();
}
