// Two runs side by side: what they answered, on what, at which cost, and by which decisions.

import * as api from "./api.js";
import { badge, strip } from "./decision.js";
import { h, number, pill, problem, replace, seconds, when } from "./dom.js";

/** Shows two runs, or one and a choice of others. Returns what stops it from waiting for them. */
export function compareView(place, first, second) {
  const stopping = new AbortController();
  const columns = h("div.columns");
  replace(place, h("div.wide", h("h1", "Compare"), columns));
  column(columns, first, stopping.signal);
  if (second) column(columns, second, stopping.signal);
  else choice(columns, first);
  return () => stopping.abort();
}

async function column(columns, id, signal) {
  const place = h("section.column", h("p.quiet", "…"));
  columns.append(place);
  try {
    let run = await api.run(id);
    draw(place, run);
    if (run.state === "queued" || run.state === "running") {
      await api.follow(id, () => {}, signal);
      if (signal.aborted) return;
      run = await api.run(id);
      draw(place, run);
    }
  } catch (error) {
    replace(place, problem(error));
  }
}

function draw(place, run) {
  const answer = run.result;
  replace(
    place,
    h("div.meta", pill(run.state), h("span", run.model), run.policy ? h("span", run.policy) : null, h("span", when(run.asked))),
    h("h2", h("a", { href: `#/run/${run.run_id}` }, run.question)),
    answer ? h("p.text", { "data-found": answer.found ? "yes" : "no" }, answer.answer) : h("p.quiet", run.error ?? "no answer yet"),
    answer &&
      h(
        "table.costs",
        h(
          "tbody",
          [
            ["time", seconds(answer.usage.seconds)],
            ["tokens evaluated", number(answer.usage.prompt_tokens)],
            ["tokens written", number(answer.usage.completion_tokens)],
            ["leaf calls", number(answer.usage.leaf_calls)],
            ["nodes", number(run.nodes.length)],
            ["places", number(answer.evidence.length)],
          ].map(([label, value]) => h("tr", h("th", { scope: "row" }, label), h("td", value))),
        ),
      ),
    h("h3", "Decisions"),
    h(
      "ol.decisions",
      run.nodes.slice(0, 200).flatMap((node) =>
        node.decisions.map((decision) => h("li", badge(decision.action), strip(decision), h("span.reason", decision.reason ?? ""))),
      ),
    ),
    answer?.evidence.length ? [h("h3", "Rests on"), h("ul.places", answer.evidence.map((each) => h("li.path", `${each.document}:${each.start}–${each.end}`)))] : null,
  );
}

async function choice(columns, first) {
  const list = h("ul.list");
  columns.append(h("section.column", h("h2", "with which run?"), list));
  try {
    const known = await api.run(first);
    const { runs } = await api.runs({ search: known.question.slice(0, 200), limit: 40 });
    const others = runs.filter((run) => run.run_id !== first);
    const all = others.length ? others : (await api.runs({ limit: 40 })).runs.filter((run) => run.run_id !== first);
    replace(
      list,
      all.map((run) =>
        h("li", h("a.item", { href: `#/compare/${first}/${run.run_id}` }, h("span.question", run.question), h("span.row", pill(run.state), h("span", run.model), h("span.aside", when(run.asked))))),
      ),
    );
  } catch (error) {
    replace(list, problem(error));
  }
}
