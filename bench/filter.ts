/** What every bench is asked. */

/** Which rows are measured, and who hears of them. */
export interface Filter {
  /** Text that names of rows must hold. */
  readonly filter: string;
  /** Told what is measured from now on. */
  readonly doing?: (row: string) => void;
}
