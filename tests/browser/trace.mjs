// What a page must show, worked out from the trace alone: nothing here is taken from viewer.js.
//
//   NAME.jsonl --> header, steps, footer --> the state of every node after every step

import { linesOf } from './pages.mjs';

/** Applies a merge patch (RFC 7396). */
const patched = (target, patch) => {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = target !== null && typeof target === 'object' && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name], value);
  }
  return result;
};

/** Reads a trace: `states[k]` is the state after step k. */
export const traced = name => {
  const [header, ...rest] = linesOf(name);
  const footer = rest.at(-1)?.end ? rest.pop() : undefined;
  const states = [header.state];
  for (const step of rest) states.push(patched(states.at(-1), step.set ?? {}));
  return { header, steps: rest, footer, states };
};

/** What the table of nodes says of a node in this state. */
export const nodeWords = state => {
  const up = state?.up === true, durable = state?.disk?.durable ?? {};
  const id = value => (value === undefined ? '-' : `n${value}`);
  const timer = state?.timer;
  return [
    up ? state.role : 'down', up ? state.term : durable.term ?? '-', id(up ? state.vote : durable.vote), id(state?.leader),
    state?.commit ?? '-', state?.applied ?? 0, !timer ? '-' : timer[1] === null ? timer[0] : `${timer[0]}/${timer[1]}`,
  ].map(String);
};

/** What a log shows: term, kind and content of the entry at each index. */
export const logWords = state => Object.entries(state?.log?.entries ?? {}).map(([index, [term, content]]) => {
  const kind = index <= (state.commit ?? 0) ? 'committed' : index <= state.log.durable ? 'durable' : 'volatile';
  return `${index}@${term} ${kind} ${content}`.trimEnd();
});

/** The fact that a step opens with: the last decision that is no message and no timer, or else no message, or else the first. */
export const decidingFact = step => {
  const facts = step.facts ?? [];
  const decides = facts.map((fact, at) => ({ at, event: step.events?.[fact.event] })).filter(it => it.event);
  const last = (...but) => decides.findLast(it => !but.includes(it.event.type));
  return (last('sent', 'timer_reset') ?? last('sent') ?? decides[0])?.at;
};
