/** The gradient of rotary position embeddings: a rotation by the negative angles. */
import { rotaryOp } from "../../../kernels/rotary/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const CASES = rotaryOp.cases.filter(({ kind }) => kind === "ragged");

for (const [index, test] of CASES.entries()) {
  const { pairing, inverse = false } = test.attrs;
  Deno.test(`the vjp of rotary ${index}, ${pairing}, inverse ${inverse}, matches differences`, async () => {
    await checkVjp(rotaryOp, test, { inputs: [0] });
  });
}
