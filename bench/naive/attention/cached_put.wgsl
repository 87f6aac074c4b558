// Puts the rows of qkv [B, N, 3 H D] into the cache [B, C, 3 H D], one thread per element.
override N: u32;
override C: u32;
override ROW: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&qkv)) { return; }
  let token = i / ROW;
  cache[((token / N) * C + places[token % N]) * ROW + i % ROW] = qkv[i];
}
