// A document, opened at the place that the answer rests on.

import * as api from "./api.js";
import { h, number, problem, replace } from "./dom.js";

const STEP = 20_000;
const FEW = 4;

/** Fills `place` with a document around a place in it, which is marked and scrolled to. */
export async function showEvidence(place, run, evidence, around = 4_000) {
  try {
    const found = await api.passage(run, { document: evidence.document, start: evidence.start, end: evidence.end, around });
    const from = evidence.start - found.start;
    const to = evidence.end - found.start;
    const mark = h("mark", { tabindex: "-1" }, found.text.slice(from, to));
    const wider = (label) => h("button.wider", { type: "button", onclick: () => showEvidence(place, run, evidence, around + STEP) }, label);
    const after = found.start + found.text.length;
    replace(
      place,
      h("p.eyebrow", "Evidence"),
      h("h2.path", found.document),
      h("p.quiet", `characters ${number(evidence.start)} to ${number(evidence.end)} of ${number(found.length)}`),
      found.changed ? h("p.problem", "The documents have changed since this run: the mark may be off.") : null,
      found.start > 0 ? wider("show more above") : null,
      h("pre.document", { tabindex: "0" }, found.text.slice(0, from), mark, found.text.slice(to)),
      after < found.length ? wider("show more below") : null,
    );
    mark.scrollIntoView({ block: "center" });
  } catch (error) {
    replace(place, problem(error));
  }
}

/** The places that an answer rests on, the first few at first; `open(place)` is called for the one that is chosen. */
export function evidenceList(places, open) {
  const few = places.length > FEW + 1 ? FEW : places.length;
  const list = h("ol.evidence", places.slice(0, few).map((place) => item(place, open)));
  if (few === places.length) return list;
  const rest = h("button.link", { type: "button" }, `Show all ${number(places.length)} places`);
  rest.addEventListener("click", () => {
    rest.remove();
    list.append(...places.slice(few).map((place) => item(place, open)));
    list.children[few].firstElementChild.focus();
  });
  return h("div.places", list, rest);
}

function item(place, open) {
  return h(
    "li",
    h(
      "button.place",
      { type: "button", onclick: () => open(place) },
      h("span.path", `${place.document}`, h("span.aside", ` ${place.start}–${place.end}${place.place ? ` · ${place.place}` : ""}`)),
      h("q", place.text.length > 280 ? `${place.text.slice(0, 280).trim()}…` : place.text.trim()),
    ),
  );
}
