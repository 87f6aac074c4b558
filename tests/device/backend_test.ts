/** Selection of the graphics API, and names of adapters. */
import { assertEquals, assertThrows } from "@std/assert";
import { EXIT, UserError } from "../../src/base/user_error.ts";
import { noAdapter } from "../../src/device/adapter.ts";
import {
  adapterName,
  backendFrom,
  cardIn,
  isOpenGl,
  isSameAdapter,
  selectBackend,
} from "../../src/device/backend.ts";
import { environment } from "../support/swiftshader.ts";

const LLVMPIPE = { description: "llvmpipe (LLVM 15.0.6, 256 bits)", vendor: "65541" };

Deno.test("OpenGL is used only if DENO_WEBGPU_BACKEND names it", () => {
  for (const nothing of [undefined, "", " "]) {
    assertEquals(backendFrom(nothing, "linux"), "vulkan");
    assertEquals(backendFrom(nothing, "darwin"), "metal");
    assertEquals(backendFrom(nothing, "windows"), "vulkan");
  }
  for (const word of ["gl", "GL", " gl", "opengl", "gles"]) {
    assertEquals(backendFrom(word, "linux"), "gl");
  }
  assertEquals(backendFrom("vk", "linux"), "vulkan");
});

Deno.test("a variable that does not name exactly one API is rejected with one line", () => {
  for (const word of ["vulkan,gl", "foo", "webgpu", "toString", "vulkan,"]) {
    const error = assertThrows(() => backendFrom(word, "linux"), UserError, word);
    assertEquals(EXIT[error.exit], 64);
  }
});

Deno.test("selectBackend() sets the variable if it is empty, and keeps it otherwise", () => {
  for (const [set, backend, left] of [["", "vulkan", "vulkan"], ["opengl", "gl", "opengl"]]) {
    using _ = environment({ DENO_WEBGPU_BACKEND: String(set) });
    assertEquals([selectBackend(), Deno.env.get("DENO_WEBGPU_BACKEND")], [backend, left]);
  }
});

Deno.test("an adapter's name contains card and API, and cardIn() extracts the card", () => {
  const [vulkan, gl] = (["vulkan", "gl"] as const).map((api) => adapterName(LLVMPIPE, api));
  assertEquals(vulkan, `${LLVMPIPE.description} via Vulkan`);
  assertEquals(gl, `${LLVMPIPE.description} via OpenGL`);
  for (const name of [String(vulkan), String(gl), LLVMPIPE.description]) {
    assertEquals(cardIn(name), LLVMPIPE.description);
    assertEquals(isOpenGl(name), name === gl);
  }
  assertEquals(adapterName({ description: "", vendor: "" }, "metal"), "unnamed adapter via Metal");
});

Deno.test("a record without an API matches the system's default API, never OpenGL", () => {
  const [bare, vulkan, gl] = ["card", "card via Vulkan", "card via OpenGL"] as const;
  assertEquals(isSameAdapter(bare, vulkan), true);
  assertEquals(isSameAdapter(bare, "card via Metal"), true);
  for (const name of [bare, vulkan, gl]) assertEquals(isSameAdapter(name, name), true);
  assertEquals(isSameAdapter(bare, gl), false);
  assertEquals(isSameAdapter(vulkan, gl), false);
  assertEquals(isSameAdapter(gl, vulkan), false);
  assertEquals(isSameAdapter("another card", vulkan), false);
  assertEquals(isSameAdapter("reference", vulkan), false);
});

Deno.test("without an adapter the message says what to install, or which variable to unset", () => {
  assertEquals(
    noAdapter("vulkan"),
    "Cannot find a WebGPU adapter via Vulkan: install a Vulkan driver (Debian: apt-get install " +
      "mesa-vulkan-drivers for software rendering) or choose --device=cpu",
  );
  assertEquals(
    noAdapter("gl"),
    "Cannot find a WebGPU adapter via OpenGL: unset DENO_WEBGPU_BACKEND, which asks for it, or " +
      "choose --device=cpu",
  );
});
