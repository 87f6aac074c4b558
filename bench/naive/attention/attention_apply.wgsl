// y [B, T, H, D]: values weighted by probabilities, one thread per element. Needs `kept`.
override T: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  let c = i % D;
  let head = (i / D) % H;
  let query = (i / (D * H)) % T;
  let batch = i / (D * H * T);
  let row = ((batch * H + head) * T + query) * T;
  var total = 0.0f;
  for (var j = 0u; j <= query; j++) {
    let v = ((batch * T + j) * 3u * H + 2u * H + head) * D;
    total += scores[row + j] * kept(row + j) * qkv[v + c];
  }
  y[i] = total;
}
