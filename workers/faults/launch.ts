/**
 * The coordinator's end of a fault plan: decorates the launch of workers. Orders to a worker carry the
 * faults that are due at its step and rank; its `strike` frames are recorded, and signals sent.
 */
import type { FencedChannel, Frame, Header, PayloadTarget } from "../../src/transport/channel.ts";
import type { LaunchWorkers, WorkerProcesses } from "../launch/processes.ts";
import { ChannelDecorator } from "./channel.ts";
import type { Faults } from "./plan.ts";

/** Points of a step, up to its vote. */
const STEP_POINTS = ["forward", "exchange", "summed", "voted"];

/** Where a fault plan applies. */
export interface LaunchFaults {
  readonly faults: Faults;
  /** Finished steps when the run begins. */
  readonly step: number;
  /** Writes an entry to the journal. */
  readonly note: (
    kind: string,
    note: Readonly<Record<string, string | number | boolean>>,
  ) => void;
}

/** The same launch, with faults injected into its workers. */
export function launchWithFaults(
  launch: LaunchWorkers,
  { faults, step, note }: LaunchFaults,
): LaunchWorkers {
  return async (options, report) => {
    const run: Run = { faults, note, step, workerIds: new Map(), spared: new Set() };
    const processes: WorkerProcesses = await launch(options, (event) => {
      if (event.type !== "joined") return report(event);
      const { id, channel } = event;
      const signal: WorkerProcesses["signal"] = (worker, name) => processes.signal(worker, name);
      report({ ...event, channel: new CoordinatorEnd(channel, { run, id, signal }) });
    });
    return {
      ...processes.folder !== undefined && { folder: processes.folder },
      ...processes.mend !== undefined && { mend: () => processes.mend?.() ?? Promise.resolve() },
      spawn(id, workerId) {
        run.workerIds.set(id, workerId);
        processes.spawn(id, workerId);
      },
      signal(id, signal) {
        if (signal === "SIGKILL" && run.spared.has(id)) return;
        processes.signal(id, signal);
      },
      close: () => processes.close(),
    };
  };
}

/** What the channels of a run share. */
interface Run extends Pick<LaunchFaults, "faults" | "note"> {
  /** Finished steps, as the orders show them. */
  step: number;
  readonly workerIds: Map<number, number>;
  /** Workers that cannot be killed, as if their machine were out of reach. */
  readonly spared: Set<number>;
}

interface Worker {
  readonly run: Run;
  readonly id: number;
  /** Sends a signal, to a spared worker as well. */
  readonly signal: WorkerProcesses["signal"];
}

class CoordinatorEnd extends ChannelDecorator {
  readonly #worker: Worker;
  #rank = 0;

  constructor(inner: FencedChannel, worker: Worker) {
    super(inner);
    this.#worker = worker;
  }

  /** Sends at once: the caller may move to another attempt before this resolves. */
  override send(header: Header, payload?: Uint8Array): Promise<void> {
    return this.inner.send(this.#withFaults(header), payload);
  }

  override async receive(place?: PayloadTarget): Promise<Frame | undefined> {
    while (true) {
      const frame = await this.inner.receive((header, bytes) =>
        header.type === "strike" ? undefined : place?.(header, bytes)
      );
      const isStrike = frame?.header.type === "strike" && frame.attempt === this.attempt;
      if (!isStrike) return frame;
      this.#strike(String(frame.header["deed"]), Number(frame.header["ms"]));
    }
  }

  #strike(deed: string, ms: number): void {
    const { run, id, signal } = this.#worker;
    run.note("strike", { worker: id, deed, ms, step: run.step });
    if (deed === "sigkill") signal(id, "SIGKILL");
    if (deed !== "sigstop") return;
    signal(id, "SIGSTOP");
    if (ms > 0) setTimeout(() => signal(id, "SIGCONT"), ms);
  }

  /** An order with the faults that are due while it is carried out. */
  #withFaults(header: Header): Header {
    const { run, id } = this.#worker;
    const step = Number(header["step"]);
    switch (header.type) {
      case "form":
        this.#rank = Number(header["rank"]);
        run.step = step;
        return header;
      case "setup": {
        const at = { step: run.step, rank: run.workerIds.get(id) ?? 0 };
        return { ...header, faults: run.faults.take(at, ["start"]).faults };
      }
      case "step":
        run.step = step;
        return { ...header, faults: this.#take(step, STEP_POINTS) };
      case "commit": {
        run.step = step + 1;
        const apply = this.#take(step, ["apply"]);
        const next = header["next"] === true ? this.#take(step + 1, STEP_POINTS) : [];
        return { ...header, faults: [...apply, ...next] };
      }
      case "skip":
        run.step = step + 1;
        return header;
      case "evaluate":
      case "save":
        return { ...header, faults: this.#take(run.step, [header.type]) };
      default:
        return header;
    }
  }

  #take(step: number, points: readonly string[]) {
    const { run, id } = this.#worker;
    const { faults, spare } = run.faults.take({ step, rank: this.#rank }, points);
    if (spare) run.spared.add(id);
    return faults;
  }
}
