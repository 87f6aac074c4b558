/** The attention of a model as one HTML page, which needs no network. */
import { markupText } from "../base/text/markup.ts";
import style from "./page.css" with { type: "text" };
import script from "./page.script" with { type: "text" };
import type { AttentionReport } from "./report.ts";

/** The page of a report. Texts of tokens reach the page as data only, never as markup. */
export function attentionPage(report: AttentionReport): string {
  const { model, step, tokens, source, layers } = report;
  const sources = source === undefined ? "" : `${source.length} tokens of a source, `;
  const heads = layers.reduce((sum, { attention }) => sum + attention.length, 0);
  const data = JSON.stringify(report).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Attention of ${markupText(model)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>Attention of ${markupText(model)}</h1>
<p>${
    step === null ? "" : `Step ${step}. `
  }${sources}${tokens.length} tokens, ${layers.length} layers, ${heads} heads. A row is a token that looks, a column one that it looks at.</p>
<p id="expects"></p>
</header>
<nav>
<div id="views" role="tablist" aria-label="View">
<button role="tab" id="tab-lines" aria-controls="lines">Lines</button>
<button role="tab" id="tab-matrix" aria-controls="matrix">Matrix</button>
<button role="tab" id="tab-model" aria-controls="model">All heads</button>
</div>
<label>Layer <select id="layer"></select></label>
<label>Head <select id="head"></select></label>
</nav>
<main>
<section id="lines" role="tabpanel" aria-labelledby="tab-lines"></section>
<section id="matrix" role="tabpanel" aria-labelledby="tab-matrix"></section>
<section id="model" role="tabpanel" aria-labelledby="tab-model"></section>
<p id="says" aria-live="polite"></p>
</main>
<footer>Keys: <kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd> choose a view, <kbd>[</kbd> and <kbd>]</kbd> a head, <kbd>{</kbd> and <kbd>}</kbd> a layer; arrows move in the matrix and between tokens.</footer>
<script type="application/json" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}
