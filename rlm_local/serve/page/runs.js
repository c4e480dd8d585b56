// The list of runs: the latest first, searched by what was asked and answered.

import * as api from "./api.js";
import { h, pill, problem, replace, seconds, when } from "./dom.js";

/** The list in `place`; `reload()` brings it up to date, `mark(id)` says which run is open. */
export class Runs {
  constructor(place) {
    this.list = h("ul.list");
    this.search = h("input", { type: "search", placeholder: "Search runs", "aria-label": "Search runs" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.reload(), 250);
    });
    this.earlier = h("button.link", { type: "button", hidden: true, onclick: () => this.more() }, "Earlier runs");
    replace(place, h("a.primary.new", { href: "#/" }, "New question"), this.search, this.list, this.earlier);
  }

  async reload() {
    const wanted = this.search.value;
    try {
      const { runs, more } = await api.runs({ search: wanted, limit: 40 });
      if (wanted !== this.search.value) return;
      this.show(runs, more, []);
    } catch (error) {
      replace(this.list, h("li", problem(error)));
    }
  }

  async more() {
    const before = this.list.lastElementChild?.dataset.run ?? "";
    const { runs, more } = await api.runs({ search: this.search.value, limit: 40, before });
    this.show(runs, more, [...this.list.children]);
  }

  show(runs, more, kept) {
    const items = runs.map((run) =>
      h(
        "li",
        { "data-run": run.run_id },
        h(
          "a.item",
          { href: `#/run/${run.run_id}` },
          h("span.question", run.question),
          h("span.row", run.answer && run.state === "answered" ? h("span.said", { "data-found": run.found ? "yes" : "no" }, run.answer) : pill(run.state), h("span.aside", run.seconds ? `${seconds(run.seconds)} · ${when(run.asked)}` : when(run.asked))),
        ),
      ),
    );
    const empty = h("li.quiet", this.search.value ? "Nothing found." : "No runs yet.");
    replace(this.list, ...(kept.length + items.length ? [...kept, ...items] : [empty]));
    this.earlier.hidden = !more;
    this.mark(this.current);
  }

  mark(id) {
    this.current = id;
    for (const link of this.list.querySelectorAll("a")) {
      if (link.hash === `#/run/${id}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}
