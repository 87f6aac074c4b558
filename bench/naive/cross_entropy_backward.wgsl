// One thread per logit.
override C: u32;
override ignored: u32;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lses: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&dlogits)) { return; }
  let row = i / C;
  var p = exp(logits[i] - lses[row]);
  if (targets[row] == i % C) { p -= 1.0f; }
  if (targets[row] == ignored) { p = 0.0f; }
  dlogits[i] = p * dloss[row];
}
