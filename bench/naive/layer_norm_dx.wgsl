// One thread per row: both means over the row, then the row's gradient.
override C: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read> rstds: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&means)) { return; }
  var plain = 0.0f;
  var along = 0.0f;
  for (var c = 0u; c < C; c++) {
    let g = dy[i * C + c] * gamma[c];
    plain += g;
    along += g * (x[i * C + c] - means[i]) * rstds[i];
  }
  plain /= f32(C);
  along /= f32(C);
  for (var c = 0u; c < C; c++) {
    let n = (x[i * C + c] - means[i]) * rstds[i];
    dx[i * C + c] = rstds[i] * (dy[i * C + c] * gamma[c] - plain - n * along);
  }
}
