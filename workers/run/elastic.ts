/** Lets the owner change the number of workers while the run goes on. */
import { UserError } from "../../src/base/user_error.ts";
import type { Elastic } from "../coordinator/request.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import { type ControlCommand, type ControlOptions, openControl } from "./control.ts";

/** The control of one run: opens with its processes, and serves once the run is elastic. */
export class ElasticControl implements Disposable {
  readonly #options: Omit<ControlOptions, "folder" | "command">;
  #control: { close(): void } | undefined;
  #elastic: Elastic | undefined;

  constructor(options: Omit<ControlOptions, "folder" | "command">) {
    this.#options = options;
  }

  /** The same launch; processes with a folder of sockets open the control there. */
  wrap(launch: LaunchWorkers): LaunchWorkers {
    return async (options, report) => {
      const processes = await launch(options, report);
      const { folder } = processes;
      const command = (asked: ControlCommand) => this.#serve(asked);
      if (folder !== undefined) {
        this.#control = await openControl({ folder, ...this.#options, command });
      }
      return processes;
    };
  }

  /** Serves commands by `elastic` from now on. */
  serve(elastic: Elastic): void {
    this.#elastic = elastic;
  }

  #serve({ change }: ControlCommand): string {
    const elastic = this.#elastic;
    if (elastic === undefined) {
      throw new UserError("config", "Cannot change workers: the run begins");
    }
    return elastic((now) =>
      "set" in change ? change.set : "add" in change ? now + change.add : now - change.remove
    );
  }

  [Symbol.dispose](): void {
    this.#control?.close();
  }
}
