// One thread per row, which looks for the first of the largest logits.
override C: u32;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  var best = 0u;
  for (var c = 1u; c < C; c++) {
    if (logits[i * C + c] > logits[i * C + best]) { best = c; }
  }
  y[i] = select(0.0f, 1.0f, best == targets[i]);
}
