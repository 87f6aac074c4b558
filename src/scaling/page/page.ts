/**
 * A report as one HTML page without network or scripts. Every number is read from the report by its
 * path, which is put in `data-path`, so that tests can compare them.
 */
import { COUNTED } from "../limits.ts";
import { datum, type FormatNumber, numberFormatter, percentOf } from "./numbers.ts";
import { markupText } from "../../base/text/markup.ts";
import type { ScalingReport } from "../report.ts";
import { PAGE_STYLE } from "./page_style.ts";
import {
  constants,
  costs,
  counts,
  isoflop,
  isoflopCaption,
  kaplan,
  laws,
  optimal,
} from "./tables.ts";

/** The HTML page of a report; `pictures` by file name. */
export function pageOf(
  report: ScalingReport,
  pictures: Readonly<Record<"loss.svg" | "isoflop.svg" | "residuals.svg", string>>,
): string {
  const says = numberFormatter(report);
  const { source, bootstrap } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scaling law of ${markupText(source.file)}</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Scaling law of ${markupText(source.file)}</h1>
<p class="lead">${lead(report, says)}</p>
<figure>${
    pictures["loss.svg"]
  }<figcaption>Each dot is a trial, each line a size. The dashed line is the lowest loss that the law gives a budget, the band its interval; rings are trials that no cheaper one beats.</figcaption></figure>
<h2>The law</h2>
<p class="formula">L(N, D) = E + A / N<sup>&alpha;</sup> + B / D<sup>&beta;</sup></p>
${constants(report, says)}
<p>${fitWords(says)}</p>
<h2>What to train next</h2>
<p>The best use of a budget of C = 6 N D FLOP by this law: N grows as C<sup>a</sup>, D as C<sup>b</sup>. N counts ${
    markupText(COUNTED[source.params])
  }.</p>
${optimal(report, says)}
<h2>What this law does not say</h2>
<ul>${report.limits.map((limit) => `<li>${markupText(limit)}</li>`).join("\n")}</ul>
<h2>IsoFLOP curves</h2>
<figure>${pictures["isoflop.svg"]}<figcaption>${isoflopCaption(report)}</figcaption></figure>
${isoflop(report, says)}
<h2>Residuals</h2>
<figure>${
    pictures["residuals.svg"]
  }<figcaption>How far each trial is from the law, and, as a ring, from the law that was fitted without it. A pattern here is something the law does not know.</figcaption></figure>
<h2>Laws in one quantity</h2>
<p>L = E + (X<sub>c</sub> / X)<sup>&alpha;</sup>, fitted to the trials that nothing smaller in X beats; without E by least squares of logarithms, with E by the Huber loss.</p>
${kaplan(report, says)}
<h2>Which parameters are counted</h2>
<p>The same trials, N counted in other ways.</p>
${counts(report, says)}
<h2>Beside the literature</h2>
<p>These laws were fitted on other texts with other tokenizers; only their shape can be compared.</p>
${laws(report, says)}
<p>What known models cost, by 6 N D and as it is quoted. Where the number of passes is not published, 6 N D is of one pass.</p>
${costs(report, says)}
<h2>How it was made</h2>
<p>${markupText(report.method.chinchilla)}: ${says("chinchilla.starts")} starts, of which ${
    says("chinchilla.agree")
  } led to this optimum, where the sum is ${says("chinchilla.objective")}. Intervals: ${
    markupText(report.method.intervals)
  }, ${says("bootstrap.draws")} draws of seed ${says("bootstrap.seed")}, ${
    says("chinchilla.redrawn")
  } of them drawn again because they determined no law. Level: ${
    percentOf(bootstrap.level)
  }. Trials: ${says("source.used")} used, ${says("source.failed")} failed and ${
    says("source.stopped")
  } stopped early left out. All numbers are in scaling.json, the trials in points.csv.</p>
</main>
</body>
</html>
`;
}

function lead({ source, chinchilla, bootstrap }: ScalingReport, says: FormatNumber): string {
  const { a } = chinchilla.estimates;
  const interval = a.low === null
    ? ""
    : ` (${percentOf(bootstrap.level)} interval ${
      datum("chinchilla.estimates.a.low", a.low, 4)
    } to ${datum("chinchilla.estimates.a.high", a.high, 4)})`;
  return `${says("source.used")} trials of ${says("range.params.0")} to ${
    says("range.params.1")
  } parameters and ${says("range.tokens.0")} to ${says("range.tokens.1")} tokens, by their ${
    markupText(source.loss)
  }. A larger budget C is best spent on N ~ C<sup>a</sup> parameters with a = ${
    datum("chinchilla.estimates.a.value", a.value)
  }${interval}. The law explains ${
    datum("chinchilla.quality.r2", chinchilla.quality.r2)
  } of the variance of log loss (R<sup>2</sup>).`;
}

function fitWords(says: FormatNumber): string {
  const q = "chinchilla.quality";
  return `R<sup>2</sup> in log loss ${says(`${q}.r2`)}; root mean square residual ${
    says(`${q}.rms`)
  }, largest ${says(`${q}.largest`)}; each trial predicted by the law of the others: ${
    says(`${q}.leave_one_out_rms`)
  }, largest ${says(`${q}.leave_one_out_largest`)} (0.01 is one percent of the loss).`;
}
