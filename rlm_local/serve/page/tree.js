// The tree of a run. Only the lines that can be seen are in the document, so five thousand nodes cost what fifty do.

import { badge, strip } from "./decision.js";
import { h, number, plural, seconds } from "./dom.js";

const SPARE = 8; // lines above and below what is seen

/** One node as the tree shows it, from the log or as events build it. */
export function emptyNode(id, parent, depth, question) {
  return { id, parent, depth, question, part: "", decisions: [], calls: {}, tokens: 0, seconds: 0, failed: false, open: true, now: "", share: null };
}

export class Tree {
  /** `choose(id)` is called when a node is chosen. */
  constructor(choose) {
    this.choose = choose;
    this.nodes = new Map();
    this.children = new Map();
    this.closed = new Set();
    this.lines = [];
    this.chosen = null;
    this.inner = h("div.lines");
    this.element = h("div.tree", { role: "tree", "aria-label": "Nodes of the run", tabindex: "0" }, this.inner);
    this.element.addEventListener("scroll", () => this.draw());
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  clear() {
    this.nodes.clear();
    this.children.clear();
    this.changed();
  }

  add(node) {
    const known = this.nodes.get(node.id);
    if (known) return Object.assign(known, node);
    this.nodes.set(node.id, node);
    const siblings = this.children.get(node.parent) ?? [];
    siblings.push(node.id);
    this.children.set(node.parent, siblings);
    return node;
  }

  /** Draws again soon: many changes in a row cost one drawing. */
  changed() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.lay();
      this.draw();
    });
  }

  lay() {
    this.lines = [];
    const stack = [...(this.children.get(null) ?? [])].reverse();
    while (stack.length) {
      const id = stack.pop();
      this.lines.push(id);
      if (!this.closed.has(id)) stack.push(...[...(this.children.get(id) ?? [])].reverse());
    }
  }

  draw() {
    const height = parseFloat(getComputedStyle(this.element).getPropertyValue("--line-height")) || 44;
    this.inner.style.height = `${this.lines.length * height}px`;
    this.element.style.setProperty("--lines", this.lines.length);
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - SPARE);
    const last = Math.min(this.lines.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + SPARE);
    const seen = [];
    for (let place = first; place < last; place++) {
      const line = this.line(this.nodes.get(this.lines[place]), place);
      line.style.top = `${place * height}px`;
      seen.push(line);
    }
    this.inner.replaceChildren(...seen);
    const active = this.chosen !== null && document.getElementById(`node-${this.chosen}`);
    if (active) this.element.setAttribute("aria-activedescendant", active.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  line(node, place) {
    const children = this.children.get(node.id) ?? [];
    const siblings = this.children.get(node.parent) ?? [];
    const decision = node.decisions.at(-1);
    const open = children.length ? !this.closed.has(node.id) : null;
    const line = h(
      "div.line",
      {
        id: `node-${node.id}`,
        role: "treeitem",
        "data-id": String(node.id),
        "data-place": String(place),
        "data-open": node.open ? "yes" : null,
        "data-failed": node.failed ? "yes" : null,
        "aria-level": String(node.depth + 1),
        "aria-setsize": String(siblings.length),
        "aria-posinset": String(siblings.indexOf(node.id) + 1),
        "aria-selected": String(node.id === this.chosen),
        "aria-expanded": open === null ? null : String(open),
      },
      h("span.twist", { "aria-hidden": "true" }, open === null ? "" : open ? "▾" : "▸"),
      h("span.dot", { "aria-hidden": "true" }),
      decision ? badge(decision.action) : h("span.badge", node.open ? "…" : "–"),
      h("span.question", node.question, node.part && h("span.aside", ` ${node.part}`)),
      decision ? strip(decision) : h("span.strip"),
      h("span.cost", node.open && node.now ? node.now : cost(node)),
    );
    line.style.setProperty("--depth", String(Math.min(node.depth, 12)));
    if (node.open && node.share !== null) line.style.setProperty("--share", String(node.share));
    return line;
  }

  select(id, scroll = true) {
    this.chosen = id;
    const place = this.lines.indexOf(id);
    if (scroll && place >= 0) {
      const height = parseFloat(getComputedStyle(this.element).getPropertyValue("--line-height")) || 44;
      const top = place * height;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      else if (top + height > this.element.scrollTop + this.element.clientHeight)
        this.element.scrollTop = top + height - this.element.clientHeight;
    }
    this.draw();
  }

  toggle(id, close = !this.closed.has(id)) {
    if (close) this.closed.add(id);
    else this.closed.delete(id);
    this.lay();
    this.draw();
  }

  click(event) {
    const line = event.target.closest(".line");
    if (!line) return;
    const id = Number(line.dataset.id);
    if (event.target.closest(".twist") && this.children.has(id)) this.toggle(id);
    else {
      this.select(id);
      this.choose(id);
    }
  }

  key(event) {
    const place = this.lines.indexOf(this.chosen);
    const id = this.chosen;
    const node = this.nodes.get(id);
    const moves = { ArrowDown: place + 1, ArrowUp: Math.max(0, place - 1), Home: 0, End: this.lines.length - 1 };
    if (event.key in moves) {
      const to = this.lines[Math.min(moves[event.key], this.lines.length - 1)];
      if (to !== undefined) this.select(to);
    } else if (event.key === "ArrowRight" && this.children.has(id)) {
      if (this.closed.has(id)) this.toggle(id, false);
      else this.select(this.children.get(id)[0]);
    } else if (event.key === "ArrowLeft" && node) {
      if (this.children.has(id) && !this.closed.has(id)) this.toggle(id, true);
      else if (node.parent !== null) this.select(node.parent);
    } else if ((event.key === "Enter" || event.key === " ") && node) {
      this.choose(id);
    } else return;
    event.preventDefault();
  }
}

function cost(node) {
  const calls = Object.values(node.calls).reduce((sum, count) => sum + count, 0);
  const parts = [node.tokens && `${number(node.tokens)} tok`, calls && `${number(calls)} ${plural(calls, "call")}`, node.seconds && seconds(node.seconds)];
  return parts.filter(Boolean).join(" · ");
}
