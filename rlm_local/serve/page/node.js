// A node opened: what it knew, decided, ran, printed and asked.

import * as api from "./api.js";
import { badge, bars } from "./decision.js";
import { h, number, plural, problem, replace, seconds } from "./dom.js";
import { python } from "./python.js";

const FACTS = [
  ["context_tokens", "tokens in view"],
  ["window_tokens", "window"],
  ["documents", "document", plural],
  ["items", "item", plural],
  ["fields", "field", plural],
  ["tokens_left", "tokens left"],
  ["calls_left", "calls left"],
  ["seconds_left", "seconds left"],
  ["depth_left", "depth left"],
];

/** Fills `place` with a node of a run. */
export async function showNode(place, run, id) {
  try {
    const node = await api.node(run, id);
    replace(place, node.depth ? h("p.eyebrow", `Child node, depth ${node.depth}${node.part && ` · ${node.part}`}`) : h("p.eyebrow", "Root node"), h("h2", node.question), ...turns(node));
  } catch (error) {
    replace(place, problem(error));
  }
}

function turns(node) {
  if (!node.turns.length) return [h("p.quiet", "Nothing decided yet.")];
  return node.turns.map((turn, index) =>
    h(
      "section.turn",
      { "aria-label": `Turn ${index + 1}` },
      h("h3", h("span.step", String(index + 1)), badge(turn.decision.action), h("span.reason", turn.decision.reason ?? "")),
      Object.keys(turn.decision.logprobs ?? {}).length ? bars(turn.decision) : null,
      facts(turn.state),
      turn.cell ? [h("h4", "Cell"), python(turn.cell)] : null,
      turn.batches.map(batch),
      outcome(turn),
      more("What the model was shown and wrote", () => [...turn.messages.map(message), turn.text ? message({ role: "wrote", content: turn.text }) : null]),
      turn.plan ? more("Plan", () => [h("pre.output", JSON.stringify(turn.plan, null, 2))]) : null,
    ),
  );
}

function facts(state) {
  const known = FACTS.filter(([name]) => typeof state[name] === "number");
  return h(
    "dl.facts",
    known.map(([name, label, form]) => h("div", h("dt", form ? form(state[name], label) : label), h("dd", number(state[name])))),
  );
}

function outcome(turn) {
  if (turn.seconds === null) return h("p.quiet", "Running, or cut off here.");
  return [
    h("h4", "Output", h("span.aside", turn.stopped ? `stopped: ${turn.stopped}` : seconds(turn.seconds))),
    turn.output ? h("pre.output", { tabindex: "0" }, turn.output) : null,
    turn.error ? h("pre.output.error", { tabindex: "0" }, turn.error) : null,
    !turn.output && !turn.error ? h("p.quiet", "Nothing printed.") : null,
  ];
}

function batch(batch) {
  const label = `${number(batch.count)} ${batch.kind} ${plural(batch.count, "call")}`;
  return more(
    [h("strong", label), ` · ${number(batch.tokens)} tokens · ${seconds(batch.seconds)}`],
    () => [
      h(
        "ol.calls",
        batch.calls.map((call) =>
          h("li", h("div.asked", tail(call.messages)), h("div.result", result(call)), h("div.aside", `${number(call.prompt_tokens)} in, ${number(call.cached_tokens)} kept, ${number(call.completion_tokens)} out`)),
        ),
      ),
      batch.count > batch.calls.length ? h("p.quiet", `and ${number(batch.count - batch.calls.length)} more: they are in the export`) : null,
    ],
  );
}

const tail = (messages) => String(messages.at(-1)?.content ?? "").slice(-1500);

function result(call) {
  const { logprobs } = call.result;
  if (Array.isArray(logprobs) && call.options.length) {
    const best = logprobs.indexOf(Math.max(...logprobs));
    return `${call.options[best]} (${(100 * Math.exp(logprobs[best])).toFixed(0)} %)`;
  }
  return call.result.text ?? call.result.answer ?? JSON.stringify(call.result);
}

const message = (message) => h("div.message", h("span.role", message.role), h("pre.output", { tabindex: "0" }, message.content));

/** A part that is built when it is opened. */
function more(summary, build) {
  const details = h("details.more", h("summary", summary));
  details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(...build().flat().filter(Boolean)), { once: true });
  return details;
}
