/** A fault plan: which faults are due. Each fault is handed out as often as it says. */
import { parseJsonText } from "../../src/base/text/json.ts";
import { UserError } from "../../src/base/user_error.ts";
import { faultPlanSchema } from "./schema.ts";
import type { CoordinatorFault, FaultPlan, InjectedFault, WorkerFault } from "./schema.ts";

/** A plan that is being carried out. */
export class Faults {
  readonly #worker: { fault: WorkerFault; left: number }[];
  #coordinator: readonly CoordinatorFault[];

  constructor(plan: FaultPlan = []) {
    this.#worker = plan.flatMap((fault) => isWorker(fault) ? [{ fault, left: fault.times }] : []);
    this.#coordinator = plan.filter((fault): fault is CoordinatorFault => !isWorker(fault));
  }

  /** Takes the faults at some points of a rank's step; `spare`: the worker cannot be killed after. */
  take(
    at: { step: number; rank: number },
    points: readonly string[],
  ): { faults: InjectedFault[]; spare: boolean } {
    const due = this.#worker.filter(({ fault, left }) =>
      left > 0 && fault.at.step === at.step && fault.at.rank === at.rank &&
      points.includes(fault.at.point)
    );
    for (const each of due) each.left--;
    return {
      faults: due.map(({ fault }) => ({ point: fault.at.point, do: fault.do, ms: fault.ms })),
      spare: due.some(({ fault }) => fault.spare),
    };
  }

  /** Takes the coordinator's own faults at a point. */
  own(step: number, point: string): CoordinatorFault["do"][] {
    const due = this.#coordinator.filter((f) => f.at.step === step && f.at.point === point);
    this.#coordinator = this.#coordinator.filter((fault) => !due.includes(fault));
    return due.map((fault) => fault.do);
  }
}

/** Reads a plan. @throws {UserError} `config` naming the first thing that is wrong with it. */
export function parseFaultPlan(text: string, path: string): FaultPlan {
  let json: unknown;
  try {
    json = parseJsonText(text);
  } catch {
    throw new UserError("config", `Cannot read the fault plan ${path}: needs JSON`);
  }
  const parsed = faultPlanSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UserError(
    "config",
    `Cannot read the fault plan ${path}: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

function isWorker(fault: FaultPlan[number]): fault is WorkerFault {
  return "rank" in fault.at;
}
