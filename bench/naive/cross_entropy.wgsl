// One thread per row: maximum, sum of exponentials, loss.
override C: u32;
override ignored: u32;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> lses: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&losses)) { return; }
  var top = logits[i * C];
  for (var c = 1u; c < C; c++) { top = max(top, logits[i * C + c]); }
  var total = 0.0f;
  for (var c = 0u; c < C; c++) { total += exp(logits[i * C + c] - top); }
  lses[i] = top + log(total);
  losses[i] = 0.0f;
  if (targets[i] != ignored) { losses[i] = lses[i] - logits[i * C + targets[i]]; }
}
