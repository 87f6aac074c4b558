/** Workers as the coordinator sees them, whatever they are made of. */
import type { Channel } from "../src/transport/channel.ts";

/** Workers that are connected to the coordinator and to each other. */
export interface Crew {
  /** The coordinator's ends, by rank. */
  readonly channels: readonly Channel[];
  /** Ends all workers, whatever they do. */
  close(): Promise<void>;
}

/** Starts `world` workers. */
export type Launch = (world: number) => Promise<Crew>;
