local tiers = { TIER_1 = "gold", TIER_2 = "silver", TIER_3 = "bronze" }
local days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function trim(text)
    return text:match("^[ \t\n\r]*(.-)[ \t\n\r]*$")
end

local function filled(text)
    if text ~= "" then
        return text
    end
end

local function iso(text)
    local day, month, year = text:match("^(%d%d)/(%d%d)/(%d%d%d%d)$")
    if not day then
        return nil
    end
    local y, last = tonumber(year), days[tonumber(month)]
    if month == "02" and y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0) then
        last = 29
    end
    local number = tonumber(day)
    if last and y >= 1 and number >= 1 and number <= last then
        return year .. "-" .. month .. "-" .. day
    end
end

return function(company)
    local city, tier, since, contact = company.city, company.tier, company.since, company.contact
    local first, last
    if contact then
        first, last = trim(contact):match("^([^ \t\n\r]*)[ \t\n\r]*(.*)$")
    end
    return {
        name = company.name,
        city = city and filled(trim(city)),
        tier = tier and tiers[tier],
        since = since and iso(since),
        firstName = first and filled(first),
        lastName = last and filled(last),
    }
end
