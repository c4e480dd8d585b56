// Pyodide in Node: `node node.mjs FOLDER_OF_THE_NPM_PACKAGE`, then lines of JSON {"code": ...} on standard input. Each
// is answered by a line {"value": ..., "error": ...}; the code may use `_processor()`, seconds of this process's time,
// and `_echo(text)`.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const pyodide = await loadPyodide({ indexURL: folder });
pyodide.globals.set("_processor", () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6);
pyodide.globals.set("_echo", (text) => text);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: pyodide.runPython(JSON.parse(line).code) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
