/** Models that are given by their output layer. */
import type { Tensor } from "../graph/types.ts";
import type { Head } from "../nn/head.ts";
import type { Scope } from "../nn/scope.ts";
import { classification } from "../nn/terms.ts";
import type { AnyModel, LogitsInput, ModelDefinition } from "./definition.ts";

/** A model of token batches (`tokens`, `targets`), by its output layer. */
export interface HeadModel<C extends AnyModel> extends Omit<ModelDefinition<C>, "loss" | "logits"> {
  /** Traces the output layer over x [B, T, D], or over [B, D] of the last position with `last`. */
  readonly head: (scope: Scope, input: LogitsInput, config: C) => Head;
}

/**
 * The definition of a model of token batches from its output layer: the loss is the cross-entropy of
 * each target, or of one per window, and the logits are those of the layer.
 */
export function headModel<C extends AnyModel>(
  { head, ...definition }: HeadModel<C>,
): ModelDefinition<C> {
  return {
    reads: ["tokens"],
    ...definition,
    loss(scope, { tokens, targets, starts }, config, task) {
      const { vocabulary, classes, carries, targetKind } = task;
      const last = targetKind === "sequence_class";
      const input = { tokens: tokens as Tensor, vocabulary, classes, last, carries, starts };
      return classification(head(scope, input, config), targets as Tensor);
    },
    logits(scope, input, config) {
      const { logits, x } = head(scope, input, config);
      return logits(x);
    },
  };
}
