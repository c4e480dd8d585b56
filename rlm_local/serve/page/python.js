// Python, coloured: a tokenizer that knows enough to tell words, strings, numbers and comments apart.

import { h } from "./dom.js";

const KEYWORDS =
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda None nonlocal not or pass raise return True False try while with yield";
const TOOLS = "sql search read places llm_query llm_query_batched rlm_query rlm_query_batched FINAL FINAL_VAR SHOW_VARS print context documents";

const KINDS = [
  ["comment", /#.*/y],
  ["string", /[rbfRBF]{0,2}("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)/y],
  ["number", /\b\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?\b/y],
  ["word", /[^\W\d]\w*/y],
];
const keywords = new Set(KEYWORDS.split(" "));
const tools = new Set(TOOLS.split(" "));

/** The code as a block of coloured text. */
export function python(code) {
  const block = h("pre.code", { tabindex: "0" });
  const line = h("code");
  let plain = "";
  const flush = () => {
    if (plain) line.append(plain);
    plain = "";
  };
  for (let place = 0; place < code.length; ) {
    const token = next(code, place);
    if (token.kind) {
      flush();
      line.append(h(`span.py-${token.kind}`, token.text));
    } else {
      plain += token.text;
    }
    place += token.text.length;
  }
  flush();
  block.append(line);
  return block;
}

function next(code, place) {
  for (const [kind, pattern] of KINDS) {
    pattern.lastIndex = place;
    const found = pattern.exec(code);
    if (!found || !found[0]) continue;
    const text = found[0];
    if (kind !== "word") return { kind, text };
    return { kind: keywords.has(text) ? "keyword" : tools.has(text) ? "tool" : "", text };
  }
  return { kind: "", text: code[place] };
}
