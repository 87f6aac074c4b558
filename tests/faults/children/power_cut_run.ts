/**
 * Trains; or trains on a disk that is shut down after step 4 is saved; or reports what is left
 * there, resumes, and reports again: `power_cut_run.ts <folder> <train | cut | resume>`, with
 * TMPDIR there.
 */
import { listCheckpoints } from "../../../src/checkpoint/load.ts";
import { parseJournal } from "../../../src/report/journal/journal.ts";
import { recordedIn } from "../../../workers/run/journal/recorded.ts";
import { names } from "../../checkpoint/fixture.ts";
import { Bench } from "../../workers/run/run_bench.ts";
import { shutDown } from "../support/power_cut.ts";

const [disk = "", what = ""] = Deno.args;

/** The contents of a run's folder. */
async function tell(bench: Bench): Promise<void> {
  const { fault = null, ...parsed } = parseJournal(bench.read("journal.jsonl"));
  const samples = bench.read("samples.jsonl").split("\n").slice(0, -1)
    .map((line) => JSON.parse(line));
  console.log(JSON.stringify({
    saved: (await listCheckpoints(bench.checkpoints)).map(({ step }) => step).reverse(),
    steps: bench.steps(),
    samples: samples.map(({ step }) => step),
    journal: { fault, saved: recordedIn(parsed).saved },
  }));
}

const [before] = names(disk).filter((name) => name.startsWith("shoal-"));
const bench = new Bench();
if (what !== "resume") {
  await bench.train("begin", {
    watch: (event) => {
      if (what !== "cut" || event.type !== "checkpoint" || event.step !== 4) return;
      shutDown(disk);
      Deno.exit();
    },
  });
} else {
  Deno.renameSync(`${disk}/${before}/run`, bench.run);
  await tell(bench);
  await bench.train("resume");
  await tell(bench);
}
