// The page: which view the address names, the list of runs beside it, keys, light and dark.

import * as api from "./api.js";
import { askView } from "./ask.js";
import { compareView } from "./compare.js";
import { h, problem, replace } from "./dom.js";
import { runView } from "./run.js";
import { Runs } from "./runs.js";

const main = document.getElementById("main");
const panel = document.getElementById("panel");
const menu = document.getElementById("menu");
const nav = document.getElementById("runs");
let stop = () => {};
let about = null;
let runs = null;

function route() {
  stop();
  stop = () => {};
  panel.hidden = true;
  openMenu(false);
  const [, view, first, second] = location.hash.split("/");
  runs.mark(view === "run" ? first : null);
  replace(main);
  main.scrollTop = 0;
  if (view === "run" && first) stop = runView(main, panel, about, first, () => runs.reload());
  else if (view === "compare" && first) stop = compareView(main, first, second);
  else
    replace(
      main,
      askView(
        about,
        (id) => {
          location.hash = `#/run/${id}`;
          runs.reload();
        },
        () => runs.reload(),
      ),
    );
}

function openMenu(open) {
  nav.dataset.open = open ? "yes" : "no";
  menu.setAttribute("aria-expanded", String(open));
}

/** Asks for a key until the server takes one. */
function askForKey(error) {
  const input = h("input", { type: "password", autocomplete: "off", required: true, "aria-label": "Key" });
  const form = h(
    "form.ask.key",
    {
      onsubmit: (event) => {
        event.preventDefault();
        api.useKey(input.value);
        begin();
      },
    },
    h("h1", "This server needs a key"),
    h("p.lead", "Whoever runs it makes one with rlm-local keys make. It is kept until this tab is closed."),
    input,
    error.code === "invalid_api_key" && sessionStorage.getItem("key") ? problem(error) : null,
    h("div.actions", h("button.primary", { type: "submit" }, "Enter")),
  );
  replace(main, form);
  input.focus();
}

async function begin() {
  try {
    about = await api.about();
  } catch (error) {
    if (error.status === 401) askForKey(error);
    else replace(main, problem(error));
    return;
  }
  const note = document.getElementById("about");
  note.textContent = about.ready ? `${about.version} · ${about.caller}` : about.loading;
  if (!about.ready) setTimeout(refreshAbout, 1500);
  if (!runs) {
    runs = new Runs(nav);
    window.addEventListener("hashchange", route);
  }
  await runs.reload();
  route();
}

async function refreshAbout() {
  about = await api.about().catch(() => about);
  document.getElementById("about").textContent = about.ready ? `${about.version} · ${about.caller}` : about.loading;
  if (!about.ready) setTimeout(refreshAbout, 1500);
}

menu.addEventListener("click", () => openMenu(nav.dataset.open !== "yes"));
nav.addEventListener("keydown", (event) => event.key === "Escape" && openMenu(false));
const theme = document.documentElement.dataset;
theme.theme = localStorage.getItem("theme") ?? "";
document.getElementById("theme").addEventListener("click", () => {
  const dark = theme.theme ? theme.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", theme.theme);
});
begin();
