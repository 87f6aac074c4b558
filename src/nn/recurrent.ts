/**
 * Recurrent layers over [B, T, I]. Parameters have the names, shapes and gate order of
 * torch.nn.RNN, LSTM and GRU: `weight_ih_l0` [G H, I], `weight_hh_l0` [G H, H], ..., `_reverse` for
 * the second direction; gates i f g o, and r z n.
 */
import type { Cell } from "../../kernels/recurrence/mod.ts";
import { concat } from "../../kernels/shape/mod.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { recurrence } from "../../kernels/recurrence/mod.ts";
import { UserError } from "../base/user_error.ts";
import type { Tensor } from "../graph/types.ts";
import { plus } from "./layers.ts";
import type { Init, Scope } from "./scope.ts";

/** Initialisation of a layer's parameters. */
export interface CellInit {
  /** Recurrent weights; default: uniform in [-1 / sqrt(H), 1 / sqrt(H)), as in PyTorch. */
  readonly recurrent?: Init;
  /** Input biases; default: zeros. */
  readonly bias?: Init;
}

/** Options of {@linkcode recurrent}. */
export interface RecurrentOptions {
  readonly cell: Cell;
  readonly init?: CellInit;
  /** Hidden units H per direction. */
  readonly width: number;
  /** Index of the layer, from 0. */
  readonly layer: number;
  /** Processes the sequence in both directions: outputs are [B, T, 2 H]. */
  readonly bidirectional?: boolean;
  /** Starts from the last states of the previous batch (truncated BPTT). */
  readonly carries?: boolean;
  /** States before the first step, each [B, H]: h (and c), then those of the reverse direction. */
  readonly initial?: readonly Tensor[];
}

/** Outputs of {@linkcode recurrent}. */
export interface RecurrentOutput {
  /** h of all time steps: [B, T, H], or [B, T, 2 H]. */
  readonly y: Tensor;
  /** States after the last step, in the order of `initial`. */
  readonly last: readonly Tensor[];
}

/**
 * One recurrent layer over x [B, T, I]. Without `initial` and `carries` the initial states are
 * zero.
 * @throws {UserError} `config` when it is bidirectional and the scope decodes.
 */
export function recurrent(scope: Scope, x: Tensor, options: RecurrentOptions): RecurrentOutput {
  const { bidirectional, initial, cell: { states } } = options;
  const forward = direction(scope, x, { ...options, reverse: false });
  if (!bidirectional) return forward;
  if (scope.decode !== undefined) {
    throw new UserError(
      "config",
      "Cannot feed a model token by token: need one that reads forwards alone: " +
        "model.bidirectional is true",
    );
  }
  const back = direction(scope, x, {
    ...options,
    reverse: true,
    ...(initial !== undefined && { initial: initial.slice(states) }),
  });
  return { y: concat(forward.y, back.y), last: [...forward.last, ...back.last] };
}

function direction(
  scope: Scope,
  x: Tensor,
  { cell, init = {}, width, layer, carries = false, initial, reverse }: RecurrentOptions & {
    reverse: boolean;
  },
): RecurrentOutput {
  const suffix = `_l${layer}${reverse ? "_reverse" : ""}`;
  const [batch, , inner] = x.shape as [number, number, number];
  const rows = cell.gates * width;
  const gates = Array.from({ length: cell.gates }, () => width);
  const hidden = { axes: "out_in", parts: gates } as const;
  const uniform: Init = { kind: "uniform", bound: 1 / Math.sqrt(width) };
  const zeros: Init = { kind: "zeros" };
  const wih = scope.param(`weight_ih${suffix}`, [rows, inner], uniform, { hidden });
  const whh = scope.param(`weight_hh${suffix}`, [rows, width], init.recurrent ?? uniform, {
    hidden,
  });
  const bih = scope.param(`bias_ih${suffix}`, [rows], init.bias ?? zeros);
  const bhh = scope.param(`bias_hh${suffix}`, [rows], zeros);
  const names = ["h", "c"].slice(0, cell.states);
  const states = names.map((name, i) =>
    initial?.[i] ??
      (carries
        ? scope.carry(`${name}${suffix}`, [batch, width])
        : scope.trace.constant([batch, width], new Float32Array(batch * width)))
  );
  const xw = plus(matmul(x, wih, { tb: true }), bih);
  const { y, last } = recurrence(xw, { cell, weight: whh, bias: bhh, states, reverse });
  if (carries && initial === undefined) {
    states.forEach((state, i) => scope.keep(state, last[i] as Tensor));
  }
  return { y, last };
}
