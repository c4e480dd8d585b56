// A question, what it is over, and how it is to be answered.

import * as api from "./api.js";
import { h, number, problem, replace } from "./dom.js";

const chosen = new Set(); // ids of uploaded files; they stay chosen while the page is open

/**
 * The form. `asked(run)` is called with the id of the run once the server has taken the question, `deleted()` when a
 * file went, and runs with it.
 */
export function askView(about, asked, deleted) {
  const question = h("textarea", { id: "question", rows: "3", required: true, placeholder: "How many Neurology visits in 2024 ended as a no-show?" });
  const model = h("select", { id: "model" }, about.models.map((name) => h("option", { value: name }, name)));
  const timeout = h("input", { id: "timeout", type: "number", min: "1", placeholder: "1800" });
  const tokens = h("input", { id: "tokens", type: "number", min: "1", placeholder: "200000" });
  const folders = about.folders.map((name) => h("input", { type: "checkbox", value: name, checked: true }));
  const files = h("ul.files");
  const trouble = h("div");
  const button = h("button.primary", { type: "submit" }, "Ask");
  const sources = new Sources(files, trouble, about.upload_bytes, deleted);

  async function submit(event) {
    event?.preventDefault();
    if (!question.value.trim() || button.disabled) return;
    button.disabled = true;
    const body = {
      question: question.value.trim(),
      model: model.value,
      files: [...chosen],
      folders: folders.filter((box) => box.checked).map((box) => box.value),
      ...(timeout.value && { timeout: Number(timeout.value) }),
      ...(tokens.value && { max_tokens: Number(tokens.value) }),
    };
    try {
      if (!body.files.length && !body.folders.length) throw new Error("Choose a folder, or drop files to ask about.");
      asked((await api.ask(body)).run_id);
    } catch (error) {
      replace(trouble, problem(error));
    }
    button.disabled = false;
  }

  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  const drop = h(
    "div.drop",
    h("p", "Drop files or a folder here, or ", pick("choose files", {}, sources), " or ", pick("a folder", { webkitdirectory: true }, sources), "."),
    files,
  );
  takeDrops(drop, sources);
  sources.load();
  const view = h(
    "form.ask",
    { onsubmit: submit },
    h("h1", "Ask your documents"),
    h("p.lead", "Text of any length, answered on this machine. Nothing leaves it."),
    h("label.unseen", { for: "question" }, "Question"),
    question,
    h(
      "fieldset.sources",
      h("legend", "Over"),
      folders.length ? h("div.chips", folders.map((box) => h("label.chip", box, h("span", box.value, h("span.aside", " shared folder"))))) : null,
      drop,
    ),
    h(
      "details.options",
      h("summary", "Policy and limits"),
      h(
        "div.grid",
        h("label", { for: "model" }, "Model and policy", model),
        h("label", { for: "timeout" }, "At most seconds", timeout),
        h("label", { for: "tokens" }, "At most tokens", tokens),
      ),
    ),
    trouble,
    h("div.actions", button, h("span.aside.keys", "Ctrl + Enter")),
  );
  queueMicrotask(() => question.focus());
  return view;
}

function pick(label, attributes, sources) {
  const input = h("input.unseen", { type: "file", multiple: true, tabindex: "-1", "aria-hidden": "true", ...attributes });
  input.addEventListener("change", () => {
    sources.add([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    input.value = "";
  });
  return h("span", h("button.link", { type: "button", onclick: () => input.click() }, label), input);
}

/** The uploaded files. */
class Sources {
  constructor(list, trouble, most, deleted) {
    this.deleted = deleted;
    this.list = list;
    this.trouble = trouble;
    this.most = most;
    this.turn = 0;
  }

  async load() {
    const turn = ++this.turn;
    try {
      const { data } = await api.files();
      if (turn !== this.turn) return; // it was asked again meanwhile
      const own = data.filter((file) => file.purpose !== "messages");
      for (const id of chosen) if (!own.some((file) => file.id === id)) chosen.delete(id);
      replace(this.list, own.slice(0, 200).map((file) => this.item(file)));
    } catch (error) {
      replace(this.trouble, problem(error));
    }
  }

  item(file) {
    const box = h("input", { type: "checkbox", checked: chosen.has(file.id) });
    box.addEventListener("change", () => (box.checked ? chosen.add(file.id) : chosen.delete(file.id)));
    const remove = async () => {
      if (!confirm(`Delete ${file.filename} for good, with the runs over it and all that was kept of them?`)) return;
      await api.deleteFile(file.id).catch((error) => replace(this.trouble, problem(error)));
      chosen.delete(file.id);
      this.load();
      this.deleted();
    };
    return h(
      "li",
      h("label", box, h("span.path", file.filename), h("span.aside", size(file.bytes))),
      h("button.icon", { type: "button", "aria-label": `Delete ${file.filename}`, onclick: remove }, "×"),
    );
  }

  async add(found) {
    let done = 0;
    for (const { file, name } of found) {
      replace(this.trouble, h("p.quiet", { role: "status" }, `Uploading ${++done} of ${found.length}: ${name}`));
      try {
        if (file.size > this.most) throw new Error(`${name} is larger than ${size(this.most)}.`);
        const { id } = await api.upload(file, name);
        this.turn++;
        chosen.add(id);
      } catch (error) {
        replace(this.trouble, problem(error));
        await this.load();
        return;
      }
    }
    replace(this.trouble);
    await this.load();
  }
}

const size = (bytes) => (bytes < 1e6 ? `${number(Math.max(1, bytes / 1e3))} kB` : `${number(bytes / 1e6)} MB`);

function takeDrops(element, sources) {
  const over = (event) => {
    event.preventDefault();
    element.dataset.over = event.type === "dragover" ? "yes" : "";
  };
  element.addEventListener("dragover", over);
  element.addEventListener("dragleave", over);
  element.addEventListener("drop", async (event) => {
    over(event);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const found = [];
    for (const entry of entries) await walk(entry, found);
    sources.add(found);
  });
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    found.push({ file, name: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const child of some) await walk(child, found);
  }
}
