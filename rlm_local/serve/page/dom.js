// Elements from data. Text is always text: nothing here, or anywhere on this page, parses markup.

/** An element: h("p.note", {title: "x", onclick: f}, "text", child, ...). Children that are null or false are left out. */
export function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  const given = rest[0];
  const plain = given !== null && typeof given === "object" && !(given instanceof Node) && !Array.isArray(given);
  if (plain) set(element, rest.shift());
  element.append(...rest.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** Says something to whoever does not see the page. */
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

export const number = (value) => Math.round(value).toLocaleString("en");

/** A word for that many. */
export const plural = (count, word) => (count === 1 ? word : `${word}s`);

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  return `${Math.floor(value / 60)} min ${String(Math.round(value % 60)).padStart(2, "0")} s`;
}

export function when(time) {
  const date = new Date(time * 1000);
  const today = new Date().toDateString() === date.toDateString();
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today ? clock : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
}

/** How a run stands, as a coloured word. */
export function pill(state) {
  const words = { budget: "out of budget", timeout: "out of time", unfinished: "unfinished" };
  return h("span.pill", { "data-state": state }, words[state] ?? state);
}

/** A notice about something that failed. */
export const problem = (error) => h("p.problem", { role: "alert" }, error.message ?? String(error));
