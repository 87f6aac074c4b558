// delta [B, H, T]: sum of dy y over a head's width, one thread per element.
override T: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&delta)) { return; }
  let query = i % T;
  let head = (i / T) % H;
  let batch = i / (T * H);
  let at = ((batch * T + query) * H + head) * D;
  var total = 0.0f;
  for (var c = 0u; c < D; c++) { total += dy[at + c] * y[at + c]; }
  delta[i] = total;
}
