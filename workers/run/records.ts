/** The files that a run writes besides its checkpoints: metrics, samples, journal, config. */
import { join } from "node:path";
import { withFileFaults } from "../../src/base/file_fault.ts";
import { hashValue } from "../../src/base/hash.ts";
import type { RunLock } from "../../src/checkpoint/lock/lock.ts";
import { resolveOutput } from "../../src/checkpoint/path_kinds.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { anchored } from "../../src/config/paths.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { unshare, writeJsonAtomic } from "../../src/report/atomic.ts";
import type { EventSink } from "../../src/report/events.ts";
import { metricsLog } from "../../src/report/jsonl.ts";
import { sampleLine } from "../../src/report/metrics.ts";
import { reporter } from "../../src/report/reporter.ts";
import type { LateJournal } from "./late_journal.ts";
import { adapterNotice } from "./notices.ts";
import type { TrainingRequest } from "./request.ts";
import { keepConfig } from "./stored_config.ts";

/** Files that a run appends to. */
const APPENDED = ["metrics.jsonl", "samples.jsonl", "journal.jsonl"];

/** The records of a run. */
export class Records implements Disposable {
  /** The config with absolute paths, as checkpoints store it. */
  readonly config: RunConfig;
  /** Records an event, and shows it. */
  readonly report: EventSink;
  readonly #opened = new DisposableStack();
  readonly #request: TrainingRequest;

  /** Opens the logs; nothing is written before the `start` event. */
  constructor(
    request: TrainingRequest,
    { from, journal, lock }: {
      readonly from: Checkpoint | undefined;
      readonly journal: LateJournal;
      readonly lock: RunLock;
    },
  ) {
    const { config, saysWorkers = true, out, resume, show } = request;
    this.#request = request;
    this.config = anchored({ ...config, out }, Deno.cwd());
    const { workers: _workers, ...withoutWorkers } = this.config;
    const stored = saysWorkers ? this.config : withoutWorkers;
    const check = () => lock.check();
    const warn = (text: string) => show({ type: "notice", text });
    const open = (name: string, more = {}) =>
      this.#opened.use(metricsLog(this.path(name), { warn, check, ...more }));
    const metrics = open("metrics.jsonl");
    const samples = open("samples.jsonl", { line: sampleLine });
    const tell = reporter([metrics.sink, samples.sink, show, adapterNotice(from, show)]);
    this.report = (event) => {
      // Only now is it certain that the workers can run this config: one that cannot leaves no trace.
      if (event.type === "start") {
        check();
        for (const name of APPENDED) unshare(this.path(name));
        journal.begin(event.run, hashValue(stored));
        if (resume && from === undefined) keepConfig(out, config);
        withFileFaults({ doing: "write to", path: out }, () => {
          writeJsonAtomic(this.path("config.json"), stored);
        });
      }
      tell(event);
      // The journal is on disk before the checkpoint that it led to, as the metrics are.
      if (event.type === "saving") journal.sync();
    };
  }

  /** The path of a file of the run, through a link where that is allowed. */
  path(name: string): string {
    const { out, followLinks = false } = this.#request;
    return resolveOutput(join(out, name), followLinks);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}
