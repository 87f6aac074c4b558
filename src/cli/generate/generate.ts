/** The command `generate`: samples text from a stored model and writes it to stdout. */
import { type ExitName, UserError } from "../../base/user_error.ts";
import { modelOf } from "../../models/mod.ts";
import { writeLines } from "./targets.ts";
import { streamAfter } from "../../data/tokenizers/stream_after.ts";
import type { Tokenizer } from "../../data/tokenizers/types.ts";
import { countUnknown, unknownNote } from "../../data/unknown.ts";
import { GenerationRow } from "../../generate/row.ts";
import { drawRows } from "../../generate/rows.ts";
import type { Feeder } from "../../generate/rows.ts";
import { rowKey } from "../../generate/uniform.ts";
import { sayText, warn } from "../../base/text/say.ts";
import type { Status } from "../../report/progress/status.ts";
import { Decoder } from "../../engine/decoder.ts";
import { holdParams } from "../../engine/load_params.ts";
import { openModel } from "../../artifacts/model.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { promptTokens, textTokenizer } from "../../artifacts/text_model.ts";
import { runCommand } from "../command.ts";
import { openDevice } from "../device.ts";
import { flagsHelp } from "../flags.ts";
import { GENERATE, parseGenerate, slideNote } from "./request.ts";
import type { GenerateRequest } from "./request.ts";
import { openProduct } from "../../terminal/output.ts";
import type { Output } from "../../terminal/output.ts";
import { readPrompt } from "./prompt.ts";
import { Samples } from "../train/samples.ts";
import { INTERRUPTED, stopOnSignals } from "../../terminal/signals.ts";
import { compilingIn, openStatus } from "../../terminal/status.ts";

/** Texts that are drawn side by side: many cost little more than one. */
const SIDE_BY_SIDE = 16;

/** Milliseconds between looks at signals: a device may keep the event loop for itself. */
const LOOK = 50;

/** Runs `generate` with command-line arguments. */
export async function generateCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseGenerate(args);
  const output = openProduct();
  if (request === "help") {
    sayText(flagsHelp(GENERATE));
    return "done";
  }
  using status = openStatus();
  status.show(`reading ${request.path}`);
  const opened = await openModel(request.path, {
    which: request.which,
    warn: (text) => status.print(text),
  });
  if (modelOf(opened.model).sequence !== undefined) {
    return await writeLines(opened, request, { status, output });
  }
  if (request.search.beams > 1) {
    throw new UserError(
      "config",
      `Cannot search with --beams: need a model that writes targets: ${opened.model.kind} continues a text`,
    );
  }
  const tokenizer = textTokenizer(opened);
  const prompt = await readPrompt(request.prompt);
  const first = promptTokens(prompt, tokenizer);
  const note = unknownNote("the prompt", {
    unknown: countUnknown(first, tokenizer),
    tokens: first.length,
  });
  if (note !== undefined) warn(note);
  const { stop: interrupt } = stopOnSignals();
  const model = await openFeeder(opened, request, { prompt: first.length, status });
  // From here on there is text on the terminal.
  status.end();
  const slides = slideNote(request, { prompt: first.length, model: opened });
  if (slides !== undefined) warn(slides);
  const start = performance.now();
  const drawn = await drawSamples(model, request, {
    tokenizer,
    first,
    samples: samplesOf(request, { tokenizer, prompt, output }),
    signal: AbortSignal.any([interrupt, output.closed]),
  });
  if (Deno.stderr.isTerminal()) warn(speed(drawn, (performance.now() - start) / 1000));
  if (interrupt.aborted) Deno.exit(INTERRUPTED);
  return "done";
}

/** Draws all texts, some at a time; gives how many tokens they have. */
async function drawSamples(
  model: Feeder,
  { num, seed, sampling, tokens, stops }: GenerateRequest,
  { tokenizer, first, samples, signal }: {
    tokenizer: Tokenizer;
    first: Uint32Array;
    samples: Samples;
    signal: AbortSignal;
  },
): Promise<number> {
  let drawn = 0;
  for (let from = 0; from < num && !signal.aborted; from += model.rows) {
    const rows = Array.from({ length: Math.min(model.rows, num - from) }, (_, r) => {
      samples.begin(from + r);
      const [key, stream] = [rowKey(seed, from + r), streamAfter(tokenizer, first)];
      return new GenerationRow({
        key,
        prompt: first,
        sampling,
        tokens,
        stops,
        stream,
        end: tokenizer.end,
      });
    });
    await drawRows(model, rows, {
      prompt: first,
      known: tokenizer.size,
      taken: (r, taken) => samples.push(from + r, taken),
      ended: (r, rest) => samples.end(from + r, rest),
      signal,
    });
    for (const row of rows) drawn += row.drawn;
  }
  return drawn;
}

function samplesOf(
  { num, logprobs }: GenerateRequest,
  { tokenizer, prompt, output }: { tokenizer: Tokenizer; prompt: string; output: Output },
): Samples {
  return new Samples({
    num,
    prompt,
    logprobs,
    textOf: (id) => tokenizer.decode([id]),
    end: tokenizer.end,
    write: (text) => output.write(text),
  });
}

/** The model on its device. It lets signals through. */
async function openFeeder(
  { model, context, vocabulary, params }: OpenedModel,
  { device: kind, num }: GenerateRequest,
  { prompt, status }: { prompt: number; status: Status },
): Promise<Feeder> {
  let isOpen = false;
  const device = await openDevice(kind, {
    progress: (kernels) => isOpen ? undefined : compilingIn(status).progress(kernels),
  });
  const memory = device.memory();
  const layout = holdParams(memory, { model, context, vocabulary }, params);
  const rows = Math.min(num, SIDE_BY_SIDE);
  const parts = { memory, layout, model, vocabulary, context, rows };
  const decoder = await Decoder.open(device, parts);
  await decoder.prepare(prompt);
  isOpen = true;
  let looked = performance.now();
  return {
    rows,
    reset: () => decoder.reset(),
    async feed(tokens) {
      if (performance.now() - looked > LOOK) {
        await new Promise((resolve) => setTimeout(resolve));
        looked = performance.now();
      }
      return await decoder.feed(tokens);
    },
  };
}

function speed(tokens: number, seconds: number): string {
  return `${tokens} tokens in ${seconds.toFixed(1)} s, ${Math.round(tokens / seconds)} tokens/s`;
}

if (import.meta.main) await runCommand(() => generateCommand(Deno.args));
