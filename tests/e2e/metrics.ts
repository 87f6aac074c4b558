/** What metrics.jsonl owes its reader. */
import { assertEquals } from "@std/assert";

const STEP_KEYS = ["step", "loss", "lr", "grad_norm", "tokens", "tokens_per_s"];

/** Its lines: steps and evaluations, each with numbers only. @throws when a line is neither. */
export function metricsOf(
  path: string,
): { readonly steps: Record<string, number>[]; readonly evals: Record<string, number>[] } {
  const text = Deno.readTextFileSync(path);
  assertEquals(text.at(-1), "\n");
  const lines: Record<string, number>[] = text.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  for (const line of lines) {
    for (const [key, value] of Object.entries(line)) {
      assertEquals([key, typeof value, Number.isFinite(value)], [key, "number", true]);
    }
  }
  const evals = lines.filter((line) => "val_loss" in line);
  const steps = lines.filter((line) => !("val_loss" in line));
  for (const line of evals) assertEquals(Object.keys(line), ["step", "val_loss"]);
  // A worker alone exchanges nothing.
  const exchanged = [...STEP_KEYS, "exchange_ms", "exchange_bytes"];
  for (const line of steps) {
    assertEquals(Object.keys(line), "exchange_ms" in line ? exchanged : STEP_KEYS);
  }
  return { steps, evals };
}

/** Every step from 1 to `last` stands once, in order. */
export function assertStepsOnce(path: string, last: number): void {
  const numbers = metricsOf(path).steps.map((line) => line["step"]);
  assertEquals(numbers, Array.from({ length: last }, (_, i) => i + 1));
}
