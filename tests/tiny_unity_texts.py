"""The scene, prefabs and materials of the tiny project, as Unity writes them: YAML with tags, to be filled in."""

from __future__ import annotations

HEADER = "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n"

SCENE_TEXT = """--- !u!104 &2
RenderSettings:
  m_Fog: 1
  m_FogColor: {{r: 0.4, g: 0.6, b: 0.8, a: 1}}
  m_FogMode: 1
  m_LinearFogStart: 100
  m_LinearFogEnd: 600
  m_AmbientIntensity: 1
  m_IndirectSpecularColor: {{r: 0.1, g: 0.2, b: 0.3, a: 1}}
--- !u!1 &10
GameObject:
  m_Component:
  - 4: {{fileID: 11}}
  - 33: {{fileID: 12}}
  - 23: {{fileID: 13}}
  m_Name: road
  m_IsActive: 1
--- !u!4 &11
Transform:
  m_GameObject: {{fileID: 10}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 100, y: 5, z: 200}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!33 &12
MeshFilter:
  m_GameObject: {{fileID: 10}}
  m_Mesh: {{fileID: 4300000, guid: {road}, type: 3}}
--- !u!23 &13
MeshRenderer:
  m_GameObject: {{fileID: 10}}
  m_Enabled: 1
  m_CastShadows: 0
  m_Materials:
  - {{fileID: 2100000, guid: {asphalt}, type: 2}}
  - {{fileID: 2100000, guid: {paint}, type: 2}}
--- !u!1 &70
GameObject:
  m_Component:
  - component: {{fileID: 71}}
  - component: {{fileID: 72}}
  m_Name: glow
  m_IsActive: 1
--- !u!4 &71
Transform:
  m_GameObject: {{fileID: 70}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &72
Light:
  m_GameObject: {{fileID: 70}}
  m_Enabled: 1
  m_Type: 1
  m_Color: {{r: 0.1, g: 0.2, b: 0.3, a: 1}}
  m_Intensity: 1
--- !u!1 &20
GameObject:
  m_Component:
  - component: {{fileID: 21}}
  - component: {{fileID: 22}}
  m_Name: sun
  m_IsActive: 1
--- !u!4 &21
Transform:
  m_GameObject: {{fileID: 20}}
  m_LocalRotation: {{x: 0.70710678, y: 0, z: 0, w: 0.70710678}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &22
Light:
  m_GameObject: {{fileID: 20}}
  m_Enabled: 1
  m_Type: 1
  m_Color: {{r: 1, g: 0.5, b: 0.25, a: 1}}
  m_Intensity: 2
  m_Shadows:
    m_Type: 2
    m_Strength: 0.5
--- !u!1 &40
GameObject:
  m_Component:
  - component: {{fileID: 41}}
  - component: {{fileID: 42}}
  m_Name: bulb
  m_IsActive: 1
--- !u!4 &41
Transform:
  m_GameObject: {{fileID: 40}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &42
Light:
  m_GameObject: {{fileID: 40}}
  m_Enabled: 1
  m_Type: 2
  m_Color: {{r: 1, g: 1, b: 1, a: 1}}
  m_Intensity: 9
--- !u!1 &30
GameObject:
  m_Component:
  - component: {{fileID: 31}}
  - component: {{fileID: 32}}
  m_Name: land
  m_IsActive: 1
--- !u!4 &31
Transform:
  m_GameObject: {{fileID: 30}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: -10, y: -2, z: -20}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!218 &32
Terrain:
  m_GameObject: {{fileID: 30}}
  m_Enabled: 1
  m_TerrainData: {{fileID: 15600000, guid: {land}, type: 2}}
"""

INSTANCE_TEXT = """--- !u!1001 &{number}
Prefab:
  m_Modification:
    m_TransformParent: {{fileID: 0}}
    m_Modifications:
    - target: {{fileID: 400000, guid: {guid}, type: 2}}
      propertyPath: m_LocalPosition.x
      value: {x}
      objectReference: {{fileID: 0}}
    - target: {{fileID: 400000, guid: {guid}, type: 2}}
      propertyPath: m_LocalPosition.y
      value: {y}
      objectReference: {{fileID: 0}}
    - target: {{fileID: {renderer}, guid: {guid}, type: 2}}
      propertyPath: m_Materials.Array.data[0]
      value:
      objectReference: {{fileID: 2100000, guid: {material}, type: 2}}
  m_ParentPrefab: {{fileID: 100100000, guid: {guid}, type: 2}}
"""

PREFAB_TEXT = """--- !u!1 &100000
GameObject:
  m_Component:
  - component: {{fileID: 400000}}
  - component: {{fileID: 3300000}}
  - component: {{fileID: 2300000}}
  m_Name: {name}
  m_IsActive: 1
--- !u!4 &400000
Transform:
  m_GameObject: {{fileID: 100000}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 2, y: 2, z: 2}}
  m_Father: {{fileID: 0}}
--- !u!33 &3300000
MeshFilter:
  m_GameObject: {{fileID: 100000}}
  m_Mesh: {{fileID: 4300000, guid: {mesh}, type: 3}}
--- !u!23 &2300000
MeshRenderer:
  m_GameObject: {{fileID: 100000}}
  m_Enabled: 1
  m_CastShadows: 1
  m_Materials:
  - {{fileID: 2100000, guid: {material}, type: 2}}
--- !u!1001 &100100000
Prefab:
  m_ParentPrefab: {{fileID: 0}}
"""

MATERIAL_TEXT = """--- !u!21 &2100000
Material:
  m_Name: any
  m_ShaderKeywords: _EMISSION _NORMALMAP
  m_SavedProperties:
    m_TexEnvs:
    - first:
        name: _MainTex
      second:
        m_Texture: {{fileID: 2800000, guid: {picture}, type: 3}}
        m_Scale: {{x: 3, y: 4}}
        m_Offset: {{x: 0, y: 0.5}}
    - first:
        name: _BumpMap
      second:
        m_Texture: {{fileID: 2800000, guid: {bumps}, type: 3}}
    m_Floats:
    - first:
        name: _Mode
      second: {mode}
    - first:
        name: _Cutoff
      second: 0.4
    - first:
        name: _BumpScale
      second: 2
    m_Colors:
    - first:
        name: _Color
      second: {{r: 0.5, g: 0.6, b: 0.7, a: 1}}
"""
