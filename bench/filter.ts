/** What every bench is asked. */
import type { BenchDevice } from "./device.ts";

/** Which rows are measured, and who hears of them. */
export interface Filter {
  /** Text that names of rows must hold. */
  readonly filter: string;
  /** Default: auto. */
  readonly device?: BenchDevice;
  /** Told what is measured from now on. */
  readonly doing?: (row: string) => void;
}
