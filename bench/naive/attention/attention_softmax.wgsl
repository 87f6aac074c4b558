// Softmax of each row of scores in place, and the row's log of sums; one thread per row.
override T: u32;

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&lse)) { return; }
  let last = i % T;
  var top = scores[i * T];
  for (var j = 1u; j <= last; j++) { top = max(top, scores[i * T + j]); }
  var total = 0.0f;
  for (var j = 0u; j <= last; j++) { total += exp(scores[i * T + j] - top); }
  for (var j = 0u; j <= last; j++) {
    scores[i * T + j] = exp(scores[i * T + j] - top) / total;
  }
  lse[i] = top + log(total);
}
