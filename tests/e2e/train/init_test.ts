/** `train --init`: a run that begins with a model that exists. */
import { assertEquals } from "@std/assert";
import { assertRefused } from "../refusals.ts";
import { Place, tinyArgs } from "../support.ts";

Deno.test("a run begins with the parameters of another, and is the same on any number of workers", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("base"));
  place.write("more.txt", Deno.readTextFileSync(place.of("text.txt")).slice(500, 3500));
  const tune = (out: string, ...more: readonly string[]) => [
    "--init=base",
    "--data=more.txt",
    `--out=${out}`,
    "--steps=4",
    "--micro_batch_size=2",
    "--report.sample_length=0",
    ...more,
  ];

  await t.step("sizes, window and tokens are those of the model", async () => {
    await place.succeed(tune("one"));
    const config = JSON.parse(Deno.readTextFileSync(place.of("one/config.json")));
    const base = JSON.parse(Deno.readTextFileSync(place.of("base/config.json")));
    assertEquals([config.model, config.data.seq_len], [base.model, base.data.seq_len]);
  });
  await t.step("in a shorter window no token is left out", async () => {
    await place.succeed(tune("short", "--data.seq_len=8"));
    const { data } = JSON.parse(Deno.readTextFileSync(place.of("short/config.json")));
    assertEquals([data.seq_len, data.stride], [8, null]);
  });
  await t.step("three workers, a stop and a resume end in the same state", async () => {
    await place.succeed(tune("three", "--workers=3"));
    await place.succeed(tune("half", "--steps=2"));
    await place.succeed(["--resume=half", "--steps=4", "--workers=2"]);
    const hash = place.stateHash("one");
    assertEquals(place.stateHash("three"), hash);
    assertEquals(place.stateHash("half"), hash);
  });
  await t.step(
    "another model, a longer window, foreign characters, its own tokenizer are refused",
    async () => {
      const cases = [
        { more: ["--model.width=8"], exit: "incompatible", says: ['"width":8', '"width":32'] },
        { more: ["--data.seq_len=64"], exit: "incompatible", says: ["positions.weight [64, 32]"] },
        { more: ["--data=odd.txt"], exit: "data", says: ["§"] },
        {
          more: ["--data.tokenizer=byte"],
          exit: "incompatible",
          says: ["byte", "base", "SHA-256"],
        },
        {
          more: ["--data.tokenizer=bpe:300"],
          exit: "incompatible",
          says: ["bpe:300", "none is learnt"],
        },
        { more: ["--init=none"], exit: "noInput", says: ["none"] },
      ] as const;
      place.write("odd.txt", "§ ".repeat(2000));
      for (const { more, exit, says } of cases) {
        await assertRefused(place, { args: tune("refused", ...more), exit, says });
      }
    },
  );
});
