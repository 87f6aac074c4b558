/**
 * Recurrent layers: a cell, given as formulas over one hidden unit (RNN, LSTM, GRU), applied over
 * all time steps, and its backward op (backpropagation through time).
 */
export { CELL_FORMULAS, gru, gruBefore, lstm, rnnRelu, rnnTanh } from "./cells.ts";
export type { Cell, Stage } from "./cells.ts";
export { recurrence, recurrenceOp } from "./recurrence.ts";
export type { RecurrenceOptions } from "./recurrence.ts";
export { DH, recurrenceBackwardOp } from "./recurrence_backward.ts";
export type { RecurrenceAttrs, RecurrenceBackwardAttrs } from "./recurrence_sizes.ts";
