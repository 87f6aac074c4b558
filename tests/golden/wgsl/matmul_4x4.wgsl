@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;

  let n0 = (wid.x * 2u + lid.x) * 4u;
  let m0 = (wid.y * 16u + lid.y) * 4u;
  if (n0 >= 8u || m0 >= 8u) { return; }
  let ar0 = (m0) * 2u;
  let ar1 = (m0 + 1u) * 2u;
  let ar2 = (m0 + 2u) * 2u;
  let ar3 = (m0 + 3u) * 2u;
  let br0 = n0 / 4u;
  var c0_0 = vec4<f32>();
  var c1_0 = vec4<f32>();
  var c2_0 = vec4<f32>();
  var c3_0 = vec4<f32>();
  for (var k = 0u; k < 8u; k += 4u) {
    let a0 = a[ar0 + k / 4u];
    let a1 = a[ar1 + k / 4u];
    let a2 = a[ar2 + k / 4u];
    let a3 = a[ar3 + k / 4u];
    let b0_0 = b[(k + 0u) * 2u + br0];
    let b1_0 = b[(k + 1u) * 2u + br0];
    let b2_0 = b[(k + 2u) * 2u + br0];
    let b3_0 = b[(k + 3u) * 2u + br0];
    let v0_0 = b0_0;
    c0_0 += a0.x * v0_0;
    c1_0 += a1.x * v0_0;
    c2_0 += a2.x * v0_0;
    c3_0 += a3.x * v0_0;
    let v1_0 = b1_0;
    c0_0 += a0.y * v1_0;
    c1_0 += a1.y * v1_0;
    c2_0 += a2.y * v1_0;
    c3_0 += a3.y * v1_0;
    let v2_0 = b2_0;
    c0_0 += a0.z * v2_0;
    c1_0 += a1.z * v2_0;
    c2_0 += a2.z * v2_0;
    c3_0 += a3.z * v2_0;
    let v3_0 = b3_0;
    c0_0 += a0.w * v3_0;
    c1_0 += a1.w * v3_0;
    c2_0 += a2.w * v3_0;
    c3_0 += a3.w * v3_0;
  }
