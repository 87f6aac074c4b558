/** Names of folders under a run's checkpoints. Names that begin with a dot are never loaded. */

/** Prefixes of folders that are being written or removed, or that were set aside. */
export const STEP_PREFIX = {
  writing: ".tmp-",
  removing: ".trash-",
  damaged: ".corrupt-",
  /** A checkpoint of a step that was rolled back. */
  undone: ".undone-",
} as const;

/** Folder of a step: `step-00000200`. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** The step of a folder, or undefined for any other name. */
export function stepOf(name: string): number | undefined {
  const step = Number(/^step-(\d{8,})$/.exec(name)?.[1]);
  return Number.isSafeInteger(step) && stepName(step) === name ? step : undefined;
}

/** Whether a name is that of a step's folder that was being written or removed. */
export function isLeftover(name: string): boolean {
  return /^\.(tmp|trash)-step-\d{8,}-/.test(name);
}

/** Whether a name is that of a step's folder whose removal had begun. */
export function isRemoved(name: string): boolean {
  return isLeftover(name) && name.startsWith(STEP_PREFIX.removing);
}

/** The step of a damaged checkpoint that was set aside, or undefined for any other name. */
export function damagedStepOf(name: string): number | undefined {
  return stepOf(/^\.corrupt-(step-\d+)-/.exec(name)?.[1] ?? "");
}

/** The step of a checkpoint that was set aside as undone, or undefined for any other name. */
export function undoneStepOf(name: string): number | undefined {
  return stepOf(/^\.undone-(step-\d+)-/.exec(name)?.[1] ?? "");
}

/** A unique name: the prefix, the folder's name, a random part. */
export function asideName(prefix: string, name: string): string {
  return `${prefix}${name}-${crypto.randomUUID()}`;
}
