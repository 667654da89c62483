//! The tenant's groups, as they were last read.

use super::{Store, keys};
use crate::domain::group_filter::{Banned, Group, GroupKind};
use crate::domain::ids::{EnterpriseId, GroupId};
use crate::error::Result;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct GroupItem {
    id: GroupId,
    name: String,
    kind: GroupKind,
    banned: Option<Banned>,
}

impl Store {
    /// The tenant's groups as they were last read, by name.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn groups(&self, enterprise: &EnterpriseId) -> Result<Vec<Group>> {
        let items: Vec<GroupItem> = self.query(&keys::enterprise_partition(enterprise), keys::GROUP).await?;
        let group = |item: GroupItem| Group {
            id: item.id,
            name: item.name,
            kind: item.kind,
            banned: item.banned,
        };
        let mut groups: Vec<Group> = items.into_iter().map(group).collect();
        groups.sort_by(|a, b| {
            a.name
                .to_lowercase()
                .cmp(&b.name.to_lowercase())
                .then_with(|| a.id.cmp(&b.id))
        });
        Ok(groups)
    }

    /// Replaces the tenant's groups by those just read; writes only what differs.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_groups(&self, enterprise: &EnterpriseId, groups: &[Group]) -> Result<()> {
        let known = self.groups(enterprise).await?;
        let mut writes = Vec::new();
        for group in groups.iter().filter(|group| !known.contains(group)) {
            let Group { id, name, kind, banned } = group.clone();
            writes.push(Self::put_request(
                &keys::group(enterprise, &group.id),
                &GroupItem { id, name, kind, banned },
            )?);
        }
        let gone = known
            .iter()
            .filter(|old| !groups.iter().any(|group| group.id == old.id));
        for old in gone {
            writes.push(Self::delete_request(&keys::group(enterprise, &old.id))?);
        }
        self.write_all(writes).await
    }
}
