// A decision: what was open, how likely each option was, and which one was taken.

import { h, number } from "./dom.js";

export const ACTIONS = ["ANSWER", "SEARCH", "MAP", "RECURSE"];

/** Each option's share, by what was decided by and before the bias; just the one taken where no model was asked. */
export function shares(decision) {
  const decided = decision.biased && Object.keys(decision.biased).length ? decision.biased : decision.logprobs ?? {};
  const own = decision.logprobs ?? {};
  const options = Object.keys(decided).length ? Object.keys(decided) : [decision.action];
  const rank = (action) => (ACTIONS.indexOf(action) + ACTIONS.length + 1) % (ACTIONS.length + 1);
  return options
    .sort((a, b) => rank(a) - rank(b))
    .map((action) => ({
      action,
      share: action in decided ? Math.exp(decided[action]) : 1,
      own: action in own ? Math.exp(own[action]) : null,
      taken: action === decision.action,
    }));
}

const percent = (share) => `${(100 * share).toFixed(share > 0.995 || share < 0.001 ? 0 : share < 0.1 ? 1 : 0)} %`;

/** A thin bar for a line of the tree: one piece for each option. */
export function strip(decision) {
  const parts = shares(decision);
  const title = parts.map((part) => `${part.action} ${percent(part.share)}`).join(", ");
  return h(
    "span.strip",
    { role: "img", "aria-label": title, title },
    parts.map((part) => {
      const piece = h("span.piece", { "data-action": part.action });
      piece.style.flexGrow = String(Math.max(part.share, 0.004));
      return piece;
    }),
  );
}

/** A bar for each option, with a mark where the model's own share was before the bias, and what it would cost. */
export function bars(decision) {
  const rows = shares(decision).map((part) => {
    const fill = h("span.fill", { "data-action": part.action });
    fill.style.width = `${100 * part.share}%`;
    const track = h("span.track", fill);
    if (part.own !== null && Math.abs(part.own - part.share) > 0.005) {
      const mark = h("span.own", { title: `${percent(part.own)} before the bias` });
      mark.style.left = `${100 * part.own}%`;
      track.append(mark);
    }
    const cost = decision.costs?.[part.action];
    return h(
      "div.option",
      { role: "listitem", "data-taken": part.taken ? "yes" : null },
      h("span.name", part.action, part.taken && h("span.unseen", " (taken)")),
      track,
      h("span.share", percent(part.share)),
      h("span.cost", cost ? `≈ ${number(cost.tokens)} tok` : ""),
    );
  });
  return h("div.bars", { role: "list", "aria-label": "Options of the decision" }, rows);
}

export const badge = (action) => h("span.badge", { "data-action": action }, action);
