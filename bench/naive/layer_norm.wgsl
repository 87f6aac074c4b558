// One thread per row: mean, deviation, then the row.
override C: u32;
override eps: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> means: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstds: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&means)) { return; }
  var mean = 0.0f;
  for (var c = 0u; c < C; c++) { mean += x[i * C + c]; }
  mean /= f32(C);
  var variance = 0.0f;
  for (var c = 0u; c < C; c++) {
    let d = x[i * C + c] - mean;
    variance += d * d;
  }
  let rstd = 1.0f / sqrt(variance / f32(C) + eps);
  for (var c = 0u; c < C; c++) {
    y[i * C + c] = (x[i * C + c] - mean) * rstd * gamma[c] + beta[c];
  }
  means[i] = mean;
  rstds[i] = rstd;
}
