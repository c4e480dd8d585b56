// A run: the question, the answer with what it rests on, what it cost, and its tree as it grows.

import * as api from "./api.js";
import { evidenceList, showEvidence } from "./evidence.js";
import { announce, h, number, pill, plural, problem, replace, seconds, when } from "./dom.js";
import { showNode } from "./node.js";
import { Tree, emptyNode } from "./tree.js";

/** Shows a run in `place` and its details in `panel`. Returns what stops it from following. */
export function runView(place, panel, about, id, ended) {
  const view = new RunView(place, panel, about, id, ended);
  view.start();
  return () => view.stop();
}

class RunView {
  /** `ended()` is called when the list of runs is out of date. */
  constructor(place, panel, about, id, ended) {
    Object.assign(this, { place, panel, about, id, ended });
    this.stopping = new AbortController();
    this.head = h("header.head");
    this.answer = h("section.answer", { "aria-label": "Answer", "aria-live": "polite" });
    this.now = h("div.now", { hidden: true });
    this.talk = h("section.talk", { "aria-label": "Go on asking" });
    this.trouble = h("div");
    this.tree = new Tree((node) => this.openNode(node));
    this.count = h("span.aside");
    this.node = null;
  }

  async start() {
    try {
      this.run = await api.run(this.id);
    } catch (error) {
      replace(this.place, problem(error));
      return;
    }
    replace(this.place, this.head, this.answer, this.talk, this.now, this.trouble, h("h2.section", "Tree ", this.count), this.tree.element);
    this.show();
    if (this.live()) this.follow();
    else this.grow();
  }

  stop() {
    this.stopping.abort();
    clearInterval(this.clock);
  }

  live() {
    return this.run.state === "queued" || this.run.state === "running";
  }

  /** The tree as the log has it. */
  grow() {
    this.tree.clear();
    for (const node of this.run.nodes) this.tree.add({ ...emptyNode(node.id, node.parent, node.depth, node.question), ...node, open: node.open && this.live() });
    this.drawn();
  }

  drawn() {
    const size = this.tree.nodes.size;
    this.count.textContent = size > 1 ? `${number(size)} nodes` : "";
    this.tree.changed();
  }

  async follow() {
    this.clock = setInterval(() => this.tick(), 1000);
    this.tick();
    try {
      await api.follow(this.id, (kind, data) => this.take(kind, data), this.stopping.signal);
    } catch (error) {
      replace(this.trouble, problem(error));
    }
    clearInterval(this.clock);
    if (this.stopping.signal.aborted) return;
    this.run = await api.run(this.id);
    this.show();
    this.grow();
    if (this.node !== null) this.openNode(this.node, false);
    announce(`The run has ended: ${this.run.state}. ${this.run.answer ?? ""}`);
    this.ended();
  }

  /** One event. Those of nodes build the tree; all of them may say what is being done now. */
  take(kind, event) {
    const node = event.node ? this.tree.nodes.get(event.node) : null;
    if (kind === "queued") this.say(event.ahead ? `Waiting: ${event.ahead} ahead` : "Waiting");
    else if (kind === "started") {
      this.run.state = "running";
      this.show();
      this.say("Starting");
    } else if (kind === "understood") {
      Object.assign(this.run, { question: event.text, said: event.data.said });
      this.show();
    } else if (kind === "setup" || kind === "documents") this.say(event.text, event.fraction);
    else if (kind === "node") {
      this.tree.add({ ...emptyNode(event.node, event.parent, event.depth, event.text), part: event.data.part, now: "planning" });
      this.say("Planning");
      this.drawn();
    } else if (kind === "lost") {
      api.run(this.id).then((run) => {
        this.run = run;
        this.grow();
      });
    } else if (node) this.change(node, kind, event);
  }

  change(node, kind, event) {
    const { data } = event;
    node.share = null;
    if (kind === "decision") {
      node.decisions.push(data);
      node.now = "planning";
      this.say(event.text);
    } else if (kind === "cell") {
      node.now = "running a program";
      this.say("Running a cell");
    } else if (kind === "output") {
      node.seconds += data.seconds ?? 0;
      node.now = "thinking";
    } else if (kind === "call") {
      node.now = `${data.kind} ${number(data.done ?? 0)} of ${number(data.calls ?? 1)}`;
      node.share = event.fraction;
      if (event.fraction === 1) node.calls[data.kind] = (node.calls[data.kind] ?? 0) + (data.calls ?? 0);
      this.say(event.text, event.fraction);
    } else if (kind === "end") {
      node.open = false;
      node.failed = Boolean(data.error);
      node.tokens = data.tokens ?? node.tokens;
      node.seconds = data.seconds ?? node.seconds;
    }
    this.tree.changed();
    if (node.id === this.node && kind !== "call") this.refresh();
  }

  say(text, share = null) {
    const bar = h("span.progress");
    const fill = h("span.fill");
    fill.style.width = `${100 * (share ?? 0)}%`;
    if (share !== null) bar.append(fill);
    this.now.hidden = false;
    replace(this.now, h("span.spinner", { "aria-hidden": "true" }), h("span.what", text), share === null ? null : bar, (this.timer = h("span.aside", this.elapsed())));
  }

  elapsed() {
    return seconds(Math.max(0, Date.now() / 1000 - this.run.asked));
  }

  tick() {
    if (this.timer) this.timer.textContent = this.elapsed();
  }

  show() {
    const { run } = this;
    const live = this.live();
    this.now.hidden = !live;
    replace(
      this.head,
      h("div.meta", pill(run.state), h("span", run.model), run.policy ? h("span", run.policy) : null, h("span", run.sources.slice(0, 3).join(", ") + (run.sources.length > 3 ? ` and ${run.sources.length - 3} more` : "")), h("span", when(run.asked)), run.resumes ? h("a", { href: `#/run/${run.resumes}` }, "goes on with an earlier run") : null, run.follows ? h("a", { href: `#/run/${run.follows}` }, "follows another question") : null),
      h("h1", run.question),
      run.said !== run.question ? h("p.quiet.meant", `Understood so from “${run.said}”.`) : null,
      h("div.actions", live ? this.action("Cancel", () => api.cancel(this.id)) : this.after()),
    );
    replace(this.answer, ...(run.result ? this.result(run.result) : live ? [] : [h("p.quiet", run.error ?? "There is no answer: the run did not come to its end.")]));
    this.answer.hidden = live;
    const talk = !live && this.askable();
    replace(
      this.talk,
      talk ? this.asking("Follow-up", "And in 2023?", "", (question) => ({ question, follows: this.id })) : null,
      talk && run.follows ? h("details", h("summary", "It was meant otherwise"), this.asking("As it is meant", "", run.question, (question) => ({ question, follows: run.follows, exactly: true }))) : null,
    );
  }

  result(answer) {
    const { usage } = answer;
    return [
      h("p.text", { "data-found": answer.found ? "yes" : "no" }, answer.answer),
      answer.error ? h("p.problem", answer.error) : null,
      answer.basis?.items ? h("p.quiet", basis(answer.basis)) : null,
      answer.confidence ? h("p.quiet", `About ${Math.round(10 * answer.confidence)} of 10 answers found like this are right.`) : null,
      answer.unseen?.length ? h("p.note", `Not looked at: ${answer.unseen.slice(0, 8).join(", ")}${answer.unseen.length > 8 ? ` and ${answer.unseen.length - 8} more` : ""}`) : null,
      h(
        "dl.bill",
        [
          [seconds(usage.seconds), "time"],
          [number(usage.prompt_tokens), "tokens evaluated"],
          [number(usage.completion_tokens), "written"],
          [number(usage.leaf_calls), plural(usage.leaf_calls, "leaf call")],
          [number(Math.max(1, this.run.nodes.length)), plural(Math.max(1, this.run.nodes.length), "node")],
        ].map(([value, label]) => h("div", h("dd", value), h("dt", label))),
      ),
      answer.evidence.length ? [h("h2.section", "Rests on"), evidenceList(answer.evidence, (place) => this.openEvidence(place))] : null,
    ];
  }

  askable() {
    return this.run.files.length || this.run.folders.length;
  }

  /** A line for a question over the same documents; `body(question)` says how it belongs to this one. */
  asking(label, placeholder, value, body) {
    const input = h("input", { type: "text", maxlength: "4000", required: true, placeholder, value, "aria-label": label });
    const button = h("button", { type: "submit" }, "Ask");
    const submit = async (event) => {
      event.preventDefault();
      if (!input.value.trim() || button.disabled) return;
      button.disabled = true;
      const { model, files, folders } = this.run;
      try {
        const { run_id } = await api.ask({ ...body(input.value.trim()), model, files, folders });
        this.ended();
        location.hash = `#/run/${run_id}`;
      } catch (error) {
        replace(this.trouble, problem(error));
        button.disabled = false;
      }
    };
    return h("form.line-form", { onsubmit: submit }, input, button);
  }

  action(label, act) {
    const button = h("button", { type: "button" }, label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await act();
      } catch (error) {
        replace(this.trouble, problem(error));
      }
      button.disabled = false;
    });
    return button;
  }

  /** What can be done with a run that is over. */
  after() {
    const { run } = this;
    const other = h(
      "select",
      { "aria-label": "Ask again under another policy" },
      h("option", { value: "" }, "Ask again with…"),
      this.about.models.map((name) => h("option", { value: name }, name)),
    );
    other.addEventListener("change", async () => {
      if (!other.value) return;
      try {
        const again = await api.ask({ question: run.question, model: other.value, files: run.files, folders: run.folders });
        this.ended();
        location.hash = `#/compare/${this.id}/${again.run_id}`;
      } catch (error) {
        replace(this.trouble, problem(error));
      }
    });
    const askable = this.askable();
    const resume = this.action("Go on", async () => {
      const again = await api.resume(this.id);
      this.ended();
      location.hash = `#/run/${again.run_id}`;
    });
    resume.className = "primary";
    return [
      askable && run.state !== "answered" ? resume : null,
      askable ? other : null,
      this.action("Compare", () => (location.hash = `#/compare/${this.id}`)),
      this.action("Replay", async () => {
        const done = await api.replay(this.id);
        const text = done.same ? `As logged: ${done.turns} turns and ${done.calls} leaf calls came out the same. ${done.left_out}` : `Differs at ${done.place}: logged ${done.logged}, now ${done.now}`;
        replace(this.trouble, h("p.note", { role: "status" }, text));
      }),
      this.action("Export", () => api.save(this.id)),
      this.action("Delete", async () => {
        if (!confirm("Delete this run for good, with all that was kept of it?")) return;
        await api.deleteRun(this.id);
        announce("The run is deleted.");
        this.ended();
        location.hash = "#/";
      }),
    ];
  }

  openNode(node, focus = true) {
    this.node = node;
    const place = this.openPanel(focus);
    showNode(place, this.id, node);
  }

  refresh() {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(() => this.node !== null && this.openNode(this.node, false), 400);
  }

  openEvidence(evidence) {
    this.node = null;
    showEvidence(this.openPanel(true), this.id, evidence);
  }

  openPanel(focus) {
    if (!focus && !this.panel.hidden && this.content?.isConnected) return this.content;
    this.content = h("div.content");
    const close = h("button.icon.close", { type: "button", "aria-label": "Close", onclick: () => this.closePanel() }, "×");
    replace(this.panel, close, this.content);
    this.panel.hidden = false;
    this.panel.onkeydown = (event) => event.key === "Escape" && this.closePanel();
    if (focus) close.focus();
    return this.content;
  }

  closePanel() {
    this.panel.hidden = true;
    this.node = null;
    this.tree.element.focus();
  }
}

function basis({ items, judged, sure }) {
  const counted = `Over ${number(items)} ${plural(items, "item")}`;
  return judged ? `${counted}; the model judged ${number(judged)} of them, on average ${Math.round(100 * sure)} % sure.` : `${counted}, by code alone.`;
}
